#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/progress.h"
#include "sim_data/log_row.h"
#include "sim_data/row_summary.h"
#include "sim_data/store/spill_file.h"

namespace swipegym {

/// Brings rows into the order of a Log, (user, time_ms, source_row), and drops repeated ones: of the rows with one
/// (user, video, time_ms) the first in file order stays. Rows are kept in buckets of neighbouring users; with a spill
/// folder the buckets live in an unnamed file there, so that memory does not grow with the rows.
class RowSorter {
 public:
  /// Rows of users [0, users). `spill_folder` empty: everything stays in memory.
  RowSorter(std::size_t users, std::filesystem::path spill_folder);
  void add(std::span<const LogRow> rows);
  std::uint64_t rows() const noexcept { return rows_; }

  struct Drained {
    std::uint64_t repeated = 0;  // rows dropped as later copies
    RowSummary kept;             // of what the sink got
  };
  /// Hands the rows that `filter` keeps to `sink`, in order, a bucket at a time, and lets go of their memory. Copies
  /// are dropped before filtering, so that a slice is a part of the whole. Call it once.
  Drained drain(int threads, const RowFilter& filter, const Progress& progress,
                const std::function<void(std::span<const LogRow>)>& sink);

 private:
  struct Bucket {
    std::vector<LogRow> open;               // the piece being filled
    std::vector<std::vector<LogRow>> full;  // pieces in memory
    std::vector<std::uint64_t> spilled;     // offsets of pieces in the spill file
    std::uint64_t rows = 0;
  };
  void put_away(Bucket& bucket);
  std::vector<LogRow> take(Bucket& bucket);

  std::size_t users_per_bucket_ = 1;
  std::vector<Bucket> buckets_;
  std::uint64_t rows_ = 0;
  std::optional<SpillFile> spill_;
};

}  // namespace swipegym
