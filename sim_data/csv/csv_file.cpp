#include "sim_data/csv/csv_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <utility>

#include "core/error.h"
#include "sim_data/file_descriptor.h"

namespace swipegym {

namespace {

constexpr std::size_t kFirstRead = 64 << 10;
constexpr std::string_view kLoneReturns = "its lines end in a carriage return alone; save it with line feeds";

// What people give where a CSV file is expected, by its first bytes.
struct OtherFile {
  std::string_view begin, what;
};
using namespace std::string_view_literals;
constexpr std::array kOtherFiles = {
    OtherFile{"\xFF\xFE"sv, "is UTF-16; save it as UTF-8"},
    OtherFile{"\xFE\xFF"sv, "is UTF-16; save it as UTF-8"},
    OtherFile{"BZh"sv, "is packed by bzip2; unpack it, or pack it by gzip or zstd"},
    OtherFile{"\xFD\x37zXZ"sv, "is packed by xz; unpack it, or pack it by gzip or zstd"},
    OtherFile{"\x04\x22\x4D\x18"sv, "is packed by lz4; unpack it, or pack it by gzip or zstd"},
    OtherFile{"PK\x03\x04"sv, "is a zip archive or a spreadsheet; give the CSV file in it"},
    OtherFile{"7z\xBC\xAF"sv, "is a 7z archive; give the CSV file in it"},
    OtherFile{"\x89HDF"sv, "is an HDF5 file, expected CSV"},
    OtherFile{"PAR1"sv, "is a Parquet file, expected CSV"},
};

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what) {
  throw InputError(fmt::format("{}: {}", path.string(), what));
}

// Reads until a newline is there, or the end.
std::string read_beginning(ByteStream& stream, const std::filesystem::path& path) {
  std::string text;
  for (std::size_t begin = 0; text.find('\n', begin) == std::string::npos;) {
    begin = text.size();
    text.resize(begin + kFirstRead);
    const std::size_t got = stream.read(text.data() + begin, kFirstRead);
    text.resize(begin + got);
    if (got < kFirstRead) break;
    if (text.size() > kMaxCsvLine + kFirstRead)
      fail(path, text.find('\r') != std::string::npos
                     ? std::string(kLoneReturns)
                     : fmt::format("its first line is longer than {} bytes; is it a CSV file?", kMaxCsvLine));
  }
  return text;
}

// Where the line ends behind the last row begin, from `begin` on.
std::uint64_t find_end(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t end) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> tail;
  while (end > begin) {
    const std::uint64_t from = end - std::min<std::uint64_t>(end - begin, tail.size());
    const ssize_t got = ::pread(file.get(), tail.data(), end - from, static_cast<off_t>(from));
    if (got != static_cast<ssize_t>(end - from)) fail(path, "became shorter while it was read");
    const std::size_t last = std::string_view(tail.data(), end - from).find_last_not_of("\r\n");
    if (last != std::string_view::npos) return from + last + 1;
    end = from;
  }
  return begin;
}

}  // namespace

CsvFile::CsvFile(std::filesystem::path path, FirstLine first) : path_(std::move(path)) {
  ByteStream stream(path_);
  is_stream_ = stream.is_packed() || !stream.is_regular();
  size_ = stream.size();
  std::string text = read_beginning(stream, path_);
  for (const OtherFile& other : kOtherFiles)
    if (text.starts_with(other.begin)) fail(path_, other.what);
  // Byte order marks come from spreadsheet programs.
  data_begin_ = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  const std::size_t end = std::min(text.find('\n', data_begin_), text.size());
  first_line_ = text.substr(data_begin_, end - data_begin_);
  first_line_bytes_ = std::min(end + 1, text.size()) - data_begin_;
  if (first_line_.empty() || first_line_ == "\r")
    fail(path_, first_line_bytes_ == 0 ? "is empty, expected a header line" : "begins with an empty line");
  if (first_line_.find('\0') != std::string::npos) fail(path_, "holds bytes that are no text; is it a CSV file?");
  if (first_line_.find('\r') < first_line_.size() - 1) fail(path_, kLoneReturns);
  if (!is_stream_) data_end_ = find_end(path_, data_begin_ + first_line_.size(), size_);
  if (!stream.is_regular()) {
    pipe_begin_ = text.substr(data_begin_);
    pipe_ = std::make_unique<ByteStream>(std::move(stream));
  }
  if (first == FirstLine::kUnknown) return;
  std::vector<std::string_view> cells;
  std::vector<std::string> storage;
  if (!split_cells(first_line_, cells, storage)) throw_at(path_, 1, 1, "a quote in the header is not closed");
  header_.assign(cells.begin(), cells.end());
  for (std::size_t column = 0; column < header_.size(); ++column) {
    Place& place = places_[header_[column]];
    if (place.count++ == 0) place.column = column;
  }
  skip_first_line();
}

void CsvFile::skip_first_line() {
  data_begin_ += first_line_bytes_;
  if (pipe_) pipe_begin_.erase(0, first_line_bytes_);
  first_line_bytes_ = 0;
}

std::size_t CsvFile::find_column(std::string_view name) const noexcept {
  const auto found = places_.find(std::string(name));
  return found != places_.end() ? found->second.column : header_.size();
}

std::size_t CsvFile::require_column(std::string_view name, std::string_view expected) const {
  const auto found = places_.find(std::string(name));
  if (found == places_.end()) throw_at(path_, 1, 1, fmt::format("no column '{}'; expected {}", shown(name), expected));
  if (found->second.count > 1) throw_at(path_, 1, 1, fmt::format("column '{}' appears twice", shown(name)));
  return found->second.column;
}

bool split_cells(std::string_view line, std::vector<std::string_view>& cells, std::vector<std::string>& storage) {
  cells.clear();
  storage.clear();
  storage.reserve(line.size() / 2 + 1);  // cells point into its strings, so it must not move them
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  std::size_t position = 0;
  while (true) {
    if (position < line.size() && line[position] == '"') {
      std::string cell;
      bool doubled = false;
      const std::size_t begin = ++position;
      std::size_t close = line.find('"', position);
      while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '"') {
        cell.append(line.substr(position, close + 1 - position));
        doubled = true;
        position = close + 2;
        close = line.find('"', position);
      }
      if (close == std::string_view::npos) return false;
      if (doubled) {
        cell.append(line.substr(position, close - position));
        cells.push_back(storage.emplace_back(std::move(cell)));
      } else {
        cells.push_back(line.substr(begin, close - begin));
      }
      position = close + 1;
      if (position < line.size() && line[position] != ',') return false;  // text behind a closing quote
    } else {
      std::size_t comma = position;  // cells are short: cheaper than a call that searches
      while (comma < line.size() && line[comma] != ',') ++comma;
      cells.push_back(line.substr(position, comma - position));
      position = comma;
    }
    if (position >= line.size()) return true;
    ++position;  // behind the comma; a comma at the end leaves one empty cell
  }
}

namespace {

// A cell in quotes that ends at a separator or the line's end, from behind its first quote; moves `position` behind it.
bool take_quoted(std::string_view line, std::string_view separator, std::size_t& position,
                 std::vector<std::string_view>& cells, std::vector<std::string>& storage) {
  std::string cell;
  bool doubled = false;
  std::size_t at = position;
  std::size_t close = line.find('"', at);
  while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '"') {
    cell.append(line.substr(at, close + 1 - at));
    doubled = true;
    at = close + 2;
    close = line.find('"', at);
  }
  if (close == std::string_view::npos) return false;
  if (close + 1 < line.size() && !line.substr(close + 1).starts_with(separator)) return false;
  cell.append(line.substr(at, close - at));
  cells.push_back(doubled ? std::string_view(storage.emplace_back(std::move(cell)))
                          : line.substr(position, close - position));
  position = close + 1;
  return true;
}

}  // namespace

bool split_cells(std::string_view line, std::string_view separator, std::vector<std::string_view>& cells,
                 std::vector<std::string>& storage) {
  if (separator == ",") return split_cells(line, cells, storage);
  cells.clear();
  storage.clear();
  storage.reserve(line.size() / 2 + 1);  // cells point into its strings, so it must not move them
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  for (std::size_t position = 0;; position += separator.size()) {
    std::size_t behind = position + 1;
    if (position < line.size() && line[position] == '"' && take_quoted(line, separator, behind, cells, storage)) {
      position = behind;
    } else {
      const std::size_t end = std::min(line.find(separator, position), line.size());
      cells.push_back(line.substr(position, end - position));
      position = end;
    }
    if (position >= line.size()) return true;
  }
}

void append_csv_text(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::size_t place_in(std::string_view line, std::string_view cell) noexcept {
  const std::less_equal<> before;
  const bool inside = before(line.data(), cell.data()) && before(cell.data(), line.data() + line.size());
  return inside ? static_cast<std::size_t>(cell.data() - line.data()) + 1 : 1;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 80;
  const bool is_cut = text.size() > kMost;
  std::string out;
  // Not in the middle of a character of several bytes.
  std::size_t size = std::min(text.size(), kMost);
  while (is_cut && size > kMost - 4 && (text[size] & '\xC0') == '\x80') --size;
  for (const char c : text.substr(0, size)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\x{:02X}", byte);
    else
      out += c;
  }
  if (is_cut) out += fmt::format("... ({} bytes)", text.size());
  return out;
}

void throw_at(const std::filesystem::path& path, std::uint64_t line, std::size_t column, std::string_view message) {
  throw InputError(fmt::format("{}:{}:{}: {}", path.string(), line, column, message));
}

}  // namespace swipegym
