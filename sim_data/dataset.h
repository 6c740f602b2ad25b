#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/progress.h"
#include "sim_data/log.h"
#include "sim_data/tables.h"

namespace swipegym {

/// A loaded log with its tables. Immutable after loading; rows of user u are [user_offset[u], user_offset[u + 1]).
struct Dataset {
  Log log;
  UserTable users;
  VideoTable videos;
  std::vector<std::uint64_t> user_offset;  // [users + 1]
  std::uint64_t fingerprint = 0;           // of every kept row and table cell; the same for CSV parts, one CSV and HDF5
  std::string truth;                       // contents of truth.json when the data is synthetic, else empty
};

/// user_offset of rows that are ordered by user.
std::vector<std::uint64_t> count_offsets(const Log& log, std::size_t users);

/// What loading met. Everything that was dropped or is unusual is counted by reason, never silently coerced.
struct LoadReport {
  std::uint64_t rows_read = 0;
  std::uint64_t rows_kept = 0;
  std::map<std::string, std::uint64_t> dropped;  // "repeated", and with skip_bad_rows the reasons of bad rows
  std::map<std::string, std::uint64_t> noted;    // kept but unusual: "duration 0", "date differs from time_ms", ...
};

struct LoadOptions {
  std::int32_t from = 0;          // first date kept, yyyymmdd
  std::int32_t until = 99999999;  // last date kept, yyyymmdd
  bool standard = true;           // keep rows with is_rand = 0
  bool random = true;             // keep rows with is_rand = 1
  std::uint32_t first_user = 0;   // first and last UserIndex whose rows are kept; the tables are always whole
  std::uint32_t last_user = 0xFFFFFFFFU;
  bool skip_bad_rows = false;  // count malformed rows by reason instead of throwing
  int threads = 0;             // 0: all
  Progress progress{};
};

struct LoadedDataset {
  Dataset data;
  LoadReport report;
};

/// Reads a KuaiRand release (its root, or the folder with the CSV files) or a store written by import_logs.
/// Throws InputError with file, line and column for anything that is not KuaiRand.
LoadedDataset load_dataset(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace swipegym
