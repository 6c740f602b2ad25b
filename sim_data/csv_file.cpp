#include "sim_data/csv_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace swipegym {

namespace {

constexpr std::size_t kMaxLine =
    1 << 20;  // a longer line is not KuaiRand; it bounds what a damaged file can make us read

}  // namespace

CsvFile::CsvFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &info) != 0)
    throw InputError(fmt::format("{}: cannot read it ({})", path_.string(), std::strerror(errno)));
  size_ = static_cast<std::uint64_t>(info.st_size);
  try {
    std::vector<char> buffer;
    // Byte order marks come from spreadsheet programs.
    char mark[3] = {};
    const bool marked = size_ >= 3 && read(0, mark, 3) == 3 && std::memcmp(mark, "\xEF\xBB\xBF", 3) == 0;
    data_begin_ = marked ? 3 : 0;
    std::string_view line = lines(data_begin_, data_begin_ + 1, buffer);
    if (line.empty()) throw InputError(fmt::format("{}: is empty, expected a header line", path_.string()));
    data_begin_ = std::min(size_, data_begin_ + line.size());
    line.remove_suffix(1);
    std::vector<std::string_view> cells;
    std::vector<std::string> storage;
    if (!split_cells(line, cells, storage)) throw_at(path_, 1, 1, "a quote in the header is not closed");
    header_.assign(cells.begin(), cells.end());
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

CsvFile::~CsvFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

CsvFile::CsvFile(CsvFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      data_begin_(other.data_begin_),
      header_(std::move(other.header_)) {}

std::size_t CsvFile::find_column(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::find(header_.begin(), header_.end(), name) - header_.begin());
}

std::size_t CsvFile::require_column(std::string_view name) const {
  const std::size_t column = find_column(name);
  if (column == header_.size()) throw_at(path_, 1, 1, fmt::format("no column '{}'; expected KuaiRand's header", name));
  if (std::count(header_.begin(), header_.end(), name) > 1)
    throw_at(path_, 1, 1, fmt::format("column '{}' appears twice", name));
  return column;
}

std::size_t CsvFile::read(std::uint64_t begin, char* out, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(descriptor_, out + done, size - done, static_cast<off_t>(begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError(fmt::format("{}: read failed ({})", path_.string(), std::strerror(errno)));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::string_view CsvFile::lines(std::uint64_t begin, std::uint64_t end, std::vector<char>& buffer) const {
  end = std::min(end, size_);
  if (begin >= end) return {};
  // One byte before the block tells whether its first byte begins a line.
  const bool whole_start = begin <= data_begin_;
  const std::uint64_t from = whole_start ? begin : begin - 1;
  std::size_t used = static_cast<std::size_t>(end - from);
  if (buffer.size() < used + 4096) buffer.resize(used + 4096);
  if (read(from, buffer.data(), used) != used)
    throw InputError(fmt::format("{}: became shorter while it was read", path_.string()));
  std::size_t start = 0;
  if (!whole_start) {
    const auto* newline = static_cast<const char*>(std::memchr(buffer.data(), '\n', used));
    if (newline == nullptr) return {};  // the middle of a line that began in an earlier block
    start = static_cast<std::size_t>(newline - buffer.data()) + 1;
    if (start == used) return {};  // the next line begins in the next block
  }
  // The last line may end beyond the block.
  while (buffer[used - 1] != '\n') {
    const std::uint64_t position = from + used;
    if (position >= size_) {
      buffer[used++] = '\n';
      break;
    }
    if (position - end > kMaxLine)
      throw InputError(fmt::format("{}: a line is longer than {} bytes; is it a CSV file?", path_.string(), kMaxLine));
    if (buffer.size() < used + 4096) buffer.resize(used + 4096);
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(4095, size_ - position));
    const std::size_t got = read(position, buffer.data() + used, wanted);
    if (got == 0) throw InputError(fmt::format("{}: became shorter while it was read", path_.string()));
    const auto* newline = static_cast<const char*>(std::memchr(buffer.data() + used, '\n', got));
    used = newline != nullptr ? static_cast<std::size_t>(newline - buffer.data()) + 1 : used + got;
  }
  if (buffer.size() < used + kCsvSlack) buffer.resize(used + kCsvSlack);
  return {buffer.data() + start, used - start};
}

std::vector<CsvBlock> cut_blocks(const std::vector<CsvFile>& files, std::uint64_t block_bytes) {
  std::vector<CsvBlock> blocks;
  for (std::size_t file = 0; file < files.size(); ++file)
    for (std::uint64_t begin = files[file].data_begin(); begin < files[file].size(); begin += block_bytes)
      blocks.push_back({file, begin, std::min(begin + block_bytes, files[file].size())});
  return blocks;
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

void throw_at(const std::filesystem::path& path, std::uint64_t line, std::size_t column, std::string_view message) {
  throw InputError(fmt::format("{}:{}:{}: {}", path.string(), line, column, message));
}

}  // namespace swipegym
