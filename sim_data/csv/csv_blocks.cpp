#include "sim_data/csv/csv_blocks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "core/unreadable.h"

namespace swipegym {

namespace {

constexpr std::size_t kReadMore = 4096;

[[noreturn]] void throw_changed(const CsvFile& file) {
  throw InputError(fmt::format("{}: became shorter while it was read", file.path().string()));
}

[[noreturn]] void throw_long_line(const CsvFile& file) {
  throw InputError(fmt::format("{}: a line, or a run of empty ones, is longer than {} bytes; is it a CSV file?",
                               file.path().string(), kMaxCsvLine));
}

std::size_t read_at(const CsvFile& file, int descriptor, std::uint64_t begin, char* out, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(descriptor, out + done, size - done, static_cast<off_t>(begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError(fmt::format("{}: read failed ({})", file.path().string(), std::strerror(errno)));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void open_for(CsvBlock& block, const CsvFile& file) {
  if (block.descriptor.is_open() && block.open_file == block.file) return;
  block.descriptor.reset();  // before the next one is opened: workers hold one each
  block.descriptor.reset(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!block.descriptor.is_open()) throw InputError(unreadable_text(file.path(), errno));
  block.open_file = block.file;
}

// Ends the last row with one newline, whatever line ends are behind it; returns the text's size.
std::size_t end_text(char* text, std::size_t size) {
  const std::size_t rows = std::string_view(text, size).find_last_not_of("\r\n") + 1;
  if (rows > 0) text[rows] = '\n';
  return rows > 0 ? rows + 1 : 0;
}

// How much of a text is whole lines. Empty ones at the end are not: they are no rows unless one follows.
std::size_t whole_lines(std::string_view text) {
  const std::size_t last = text.rfind('\n');
  if (last == std::string_view::npos) return 0;
  const std::size_t rows = text.substr(0, last).find_last_not_of("\r\n") + 1;
  return rows > 0 ? text.find('\n', rows) + 1 : 0;
}

void reserve(std::vector<char>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
}

}  // namespace

CsvBlocks::CsvBlocks(std::vector<CsvFile>& files, std::uint64_t block_bytes)
    : files_(files), block_bytes_(block_bytes) {
  for (const CsvFile& file : files) bytes_total_ += file.size();
}

bool CsvBlocks::take(CsvBlock& block) {
  for (; file_ < files_.size(); ++file_, is_begun_ = false) {
    CsvFile& file = files_[file_];
    block.file = file_;
    if (file.is_stream()) {
      if (!std::exchange(is_begun_, true)) open_stream(file);
      if (take_from_stream(block)) return true;
      stream_.reset();
      continue;
    }
    if (!std::exchange(is_begun_, true)) position_ = file.data_begin();
    if (position_ >= file.data_end()) continue;
    block.begin = position_;
    block.end = position_ = std::min(position_ + block_bytes_, file.data_end());
    block.bytes = block.end - block.begin;
    return true;
  }
  return false;
}

void CsvBlocks::open_stream(CsvFile& file) {
  position_ = 0;
  rest_.clear();
  if (file.pipe_) {
    stream_.emplace(std::move(*file.pipe_));
    rest_ = std::exchange(file.pipe_begin_, {});
    return;
  }
  stream_.emplace(file.path());
  for (std::uint64_t left = file.data_begin(); left > 0;) {
    rest_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kMaxCsvLine)));
    if (stream_->read(rest_.data(), rest_.size()) != rest_.size()) throw_changed(file);
    left -= rest_.size();
  }
  rest_.clear();
}

bool CsvBlocks::take_from_stream(CsvBlock& block) {
  std::size_t used = rest_.size();
  reserve(block.buffer, used + static_cast<std::size_t>(block_bytes_) + 1 + kCsvSlack);
  char* const text = block.buffer.data();
  std::memcpy(text, rest_.data(), used);
  const std::size_t got = stream_->read(text + used, static_cast<std::size_t>(block_bytes_));
  used += got;
  const bool at_end = got < block_bytes_;
  const std::size_t whole = at_end ? end_text(text, used) : whole_lines({text, used});
  if (at_end) used = whole;
  if (used - whole > kMaxCsvLine) throw_long_line(files_[file_]);
  rest_.assign(text + whole, used - whole);
  block.text = {text, whole};
  block.bytes = stream_->position() - position_;
  position_ += block.bytes;
  return whole > 0 || !at_end;
}

// The whole lines whose first byte lies in the block; one newline is added behind the last line of the file where it
// lacks one.
void CsvBlocks::load(CsvBlock& block) const {
  const CsvFile& file = files_[block.file];
  if (file.is_stream()) return;
  open_for(block, file);
  const int descriptor = block.descriptor.get();
  block.text = {};
  // One byte before the block tells whether its first byte begins a line.
  const bool whole_start = block.begin <= file.data_begin();
  const std::uint64_t from = whole_start ? block.begin : block.begin - 1;
  std::vector<char>& buffer = block.buffer;
  std::size_t used = static_cast<std::size_t>(block.end - from);
  reserve(buffer, used + kReadMore);
  if (read_at(file, descriptor, from, buffer.data(), used) != used) throw_changed(file);
  std::size_t start = 0;
  if (!whole_start) {
    const auto* newline = static_cast<const char*>(std::memchr(buffer.data(), '\n', used));
    if (newline == nullptr) return;  // the middle of a line that began in an earlier block
    start = static_cast<std::size_t>(newline - buffer.data()) + 1;
    if (start == used) return;  // the next line begins in the next block
  }
  // The last line may end beyond the block.
  while (buffer[used - 1] != '\n') {
    const std::uint64_t position = from + used;
    if (position >= file.data_end()) {
      buffer[used++] = '\n';
      break;
    }
    if (position - block.end > kMaxCsvLine) throw_long_line(file);
    reserve(buffer, used + kReadMore);
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kReadMore - 1, file.data_end() - position));
    const std::size_t got = read_at(file, descriptor, position, buffer.data() + used, wanted);
    if (got == 0) throw_changed(file);
    const auto* newline = static_cast<const char*>(std::memchr(buffer.data() + used, '\n', got));
    used = newline != nullptr ? static_cast<std::size_t>(newline - buffer.data()) + 1 : used + got;
  }
  reserve(buffer, used + kCsvSlack);
  block.text = {buffer.data() + start, used - start};
}

}  // namespace swipegym
