#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim_data/csv/byte_stream.h"

namespace swipegym {

/// Bytes that may be read behind the lines of a block, so that parsers may load several at a time.
inline constexpr std::size_t kCsvSlack = 64;
/// A longer line is no row; it bounds what a damaged file can make us read.
inline constexpr std::size_t kMaxCsvLine = 1 << 20;

/// A CSV file: its first line, and where its rows begin. Plain, gzip or zstd; or a pipe. Rows end in \n or \r\n, the
/// last one may lack its newline; cells may be quoted, but hold no newlines. Empty lines at the end are no
/// rows. CsvBlocks reads the rows. A file that can be opened again is not kept open.
class CsvFile {
 public:
  enum class FirstLine : std::uint8_t { kHeader, kUnknown };
  /// Reads the first line. Throws InputError when the file is missing, unreadable or empty, is no text, or its line
  /// ends are not ours. kUnknown: the line is not cut into a header, and is a row until skip_first_line().
  explicit CsvFile(std::filesystem::path path, FirstLine first = FirstLine::kHeader);

  const std::filesystem::path& path() const noexcept { return path_; }
  const std::string& first_line() const noexcept { return first_line_; }
  const std::vector<std::string>& header() const noexcept { return header_; }
  /// The position of a column, or header().size() when there is none.
  std::size_t find_column(std::string_view name) const noexcept;
  /// As above; throws InputError that names the file and the column when there is none, or two. `expected` says whose
  /// header it should be.
  std::size_t require_column(std::string_view name, std::string_view expected = "KuaiRand's header") const;

  std::uint64_t size() const noexcept { return size_; }  // packed as it is; 0 for a pipe
  std::uint64_t data_begin() const noexcept { return data_begin_; }
  /// Behind the last character of the last row of a file that is no stream.
  std::uint64_t data_end() const noexcept { return data_end_; }
  /// Its rows come one after the other: packed, or a pipe. Others can be read anywhere.
  bool is_stream() const noexcept { return is_stream_; }
  void skip_first_line();
  bool first_line_is_skipped() const noexcept { return first_line_bytes_ == 0; }

 private:
  friend class CsvBlocks;

  std::filesystem::path path_;
  bool is_stream_ = false;
  std::uint64_t size_ = 0, data_begin_ = 0, data_end_ = 0;  // data_begin_ counts unpacked bytes
  std::string first_line_;
  std::size_t first_line_bytes_ = 0;  // with its end
  std::vector<std::string> header_;
  struct Place {
    std::size_t column = 0, count = 0;
  };
  std::unordered_map<std::string, Place> places_;
  std::unique_ptr<ByteStream> pipe_;  // what cannot be opened again, and what was read of it already
  std::string pipe_begin_;
};

/// Cuts a line (without its newline; a \r at its end is dropped) into cells. Quotes are removed; a doubled quote inside
/// quotes is one. `storage` holds the cells that had to be rewritten. Returns false when a quote is left open.
bool split_cells(std::string_view line, std::vector<std::string_view>& cells, std::vector<std::string>& storage);

/// The same with another separator, of one or more characters. Behind any but a comma a quote that does not enclose its
/// whole cell is a character as others, as programs that write such files have it.
bool split_cells(std::string_view line, std::string_view separator, std::vector<std::string_view>& cells,
                 std::vector<std::string>& storage);

/// A cell, quoted where a comma or a quote in it asks for that.
void append_csv_text(std::string& out, std::string_view text);

/// Where a cell of a line begins, counted from 1; 1 for a cell that had to be rewritten.
std::size_t place_in(std::string_view line, std::string_view cell) noexcept;

/// What came from a file, for a message: control characters as \x1B and the like, long texts cut.
std::string shown(std::string_view text);

/// Throws InputError "path:line:column: message"; line and column count from 1.
[[noreturn]] void throw_at(const std::filesystem::path& path, std::uint64_t line, std::size_t column,
                           std::string_view message);

}  // namespace swipegym
