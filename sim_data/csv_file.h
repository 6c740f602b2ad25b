#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace swipegym {

/// Bytes that may be read behind the lines of a block, so that parsers may load several at a time.
inline constexpr std::size_t kCsvSlack = 64;

/// A CSV file read in blocks with pread: memory does not grow with the file, many threads may read at once, and a file
/// that shrinks meanwhile is an error rather than a signal. Rows end in \n or \r\n, the last one may lack its newline;
/// cells may be quoted, but hold no newlines.
class CsvFile {
 public:
  /// Opens the file and reads its header. Throws InputError when it is missing, unreadable or empty.
  explicit CsvFile(std::filesystem::path path);
  ~CsvFile();
  CsvFile(CsvFile&& other) noexcept;
  CsvFile& operator=(CsvFile&&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  const std::vector<std::string>& header() const noexcept { return header_; }
  /// The position of a column, or header().size() when there is none.
  std::size_t find_column(std::string_view name) const noexcept;
  /// As above; throws InputError that names the file and the column when there is none.
  std::size_t require_column(std::string_view name) const;
  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t data_begin() const noexcept { return data_begin_; }

  /// The whole lines whose first byte lies in [begin, end), each ending in \n (one is added behind the last line of the
  /// file where it lacks one). The view points into `buffer`; kCsvSlack bytes behind it may be read.
  std::string_view lines(std::uint64_t begin, std::uint64_t end, std::vector<char>& buffer) const;

 private:
  std::size_t read(std::uint64_t begin, char* out, std::size_t size) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0, data_begin_ = 0;
  std::vector<std::string> header_;
};

/// A piece of a file; the unit of parallel work. Lines belong to the block their first byte lies in.
struct CsvBlock {
  std::size_t file = 0;
  std::uint64_t begin = 0, end = 0;
};
std::vector<CsvBlock> cut_blocks(const std::vector<CsvFile>& files, std::uint64_t block_bytes);

/// Cuts a line (without its newline; a \r at its end is dropped) into cells. Quotes are removed; a doubled quote inside
/// quotes is one. `storage` holds the cells that had to be rewritten. Returns false when a quote is left open.
bool split_cells(std::string_view line, std::vector<std::string_view>& cells, std::vector<std::string>& storage);

/// Throws InputError "path:line:column: message"; line and column count from 1.
[[noreturn]] void throw_at(const std::filesystem::path& path, std::uint64_t line, std::size_t column,
                           std::string_view message);

}  // namespace swipegym
