#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "sim_data/dataset.h"
#include "sim_data/log_row.h"
#include "sim_data/row_summary.h"
#include "sim_data/store/column_file.h"
#include "sim_data/store/row_sorter.h"

namespace swipegym {

/// A log with its tables in one HDF5 file of kind "logs": columns cut into chunks of kColumnChunk rows, compressed with
/// HDF5's own filters, ordered by (user, time_ms, source_row). docs/guide/data.md describes the layout.
inline constexpr std::string_view kLogStoreKind = "logs";
inline constexpr std::int64_t kLogStoreVersion = 1;

/// Reads a KuaiRand release (see load_dataset) into a store at `out`, out of core: peak memory does not grow with the
/// rows; what does not fit is spilled into an unnamed file beside `out`. Of `options` the skip_bad_rows, threads and
/// progress matter; a store always holds the whole log. An earlier file at `out` stays until the new one is whole.
LoadReport import_logs(const std::filesystem::path& directory, const std::filesystem::path& out,
                       const LoadOptions& options = {});

/// Writes a store from rows in any order, out of core: for logs that are generated rather than read.
class LogStoreBuilder {
 public:
  LogStoreBuilder(const std::filesystem::path& out, UserTable users, VideoTable videos, std::string truth,
                  int threads = 0, Progress progress = {});
  ~LogStoreBuilder();
  /// Rows with dense ids below the tables' sizes; each has a source_row of its own. Throws InputError for a row that a
  /// log may not hold (log_limits.h).
  void add(std::span<const LogRow> rows);
  /// Sorts, writes and puts the file in place. Call it once.
  LoadReport finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends ordered rows to a store; the others above end here.
class LogStoreWriter {
 public:
  LogStoreWriter(const std::filesystem::path& out, const UserTable& users, const VideoTable& videos,
                 const std::string& truth, int threads);
  ~LogStoreWriter();
  /// Rows in the order of a Log, each call behind the one before.
  void append(std::span<const LogRow> rows);
  /// Puts the file in place. `fingerprint` is of everything in it.
  void finish(std::uint64_t fingerprint, const LoadReport& report);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads a store, or those chunks of it that a slice of users or days touches.
class LogStoreReader {
 public:
  /// Throws InputError when the file is not a store of this version, or damaged.
  explicit LogStoreReader(const std::filesystem::path& path);
  ~LogStoreReader();

  std::uint64_t rows() const noexcept;
  std::uint64_t fingerprint() const noexcept;                      // of the whole store
  const std::vector<std::uint64_t>& user_offset() const noexcept;  // [users + 1], rows of each user in the store
  LoadReport import_report() const;                                // what the import met
  std::string truth() const;
  void read_tables(UserTable& users, VideoTable& videos, int threads) const;
  /// The rows asked for, in order. `summary` tells what they add up to.
  Log read_rows(const LoadOptions& options, RowSummary& summary) const;
  /// Packed chunks read so far, over all columns of rows.
  std::uint64_t chunks_read() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// load_dataset() for a store.
LoadedDataset load_log_store(const std::filesystem::path& path, const LoadOptions& options);

}  // namespace swipegym
