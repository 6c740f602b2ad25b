#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim_data/csv/csv_file.h"
#include "sim_data/file_descriptor.h"

namespace swipegym {

/// A piece of a CSV file, the unit of parallel work, and a worker's scratch space for it. Lines belong to the block
/// their first byte lies in.
struct CsvBlock {
  std::size_t file = 0;
  std::string_view text;    // whole lines, each ending in \n; kCsvSlack bytes behind them may be read
  std::uint64_t bytes = 0;  // of the file, packed as it is

  std::uint64_t begin = 0, end = 0;  // of a file that can be read anywhere
  std::vector<char> buffer;
  std::size_t open_file = 0;  // the one that `descriptor` is of
  FileDescriptor descriptor;
};

/// Cuts files, one behind the other, into blocks of whole lines; memory does not grow with the files. Plain files are
/// read by many workers at once, with pread; what is packed or comes through a pipe is read and unpacked by one worker
/// while the others parse. Only the files that workers are at are open.
class CsvBlocks {
 public:
  /// `files` are read once, and must outlive this. A plain file that changes meanwhile is an error rather than a
  /// signal.
  CsvBlocks(std::vector<CsvFile>& files, std::uint64_t block_bytes);

  /// Gives the next block to its caller, one at a time; false when there is none.
  bool take(CsvBlock& block);
  /// Fills in the text of a block that was taken; any number at a time.
  void load(CsvBlock& block) const;

  std::uint64_t bytes_total() const noexcept { return bytes_total_; }

 private:
  bool take_from_stream(CsvBlock& block);
  void open_stream(CsvFile& file);

  std::vector<CsvFile>& files_;
  std::uint64_t block_bytes_, bytes_total_ = 0;
  std::size_t file_ = 0;        // the one that blocks are taken from
  bool is_begun_ = false;       // of that file
  std::uint64_t position_ = 0;  // where its next block begins, or how much of the packed file was handed out
  std::optional<ByteStream> stream_;
  std::string rest_;  // read from the stream, and not handed out: the beginning of a line
};

}  // namespace swipegym
