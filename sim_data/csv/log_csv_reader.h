#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/progress.h"
#include "sim_data/id_map.h"
#include "sim_data/log_row.h"

namespace swipegym {

struct LogCsvOptions {
  bool skip_bad_rows = false;
  int threads = 0;
  Progress progress{};
};

struct LogCsvCounts {
  std::uint64_t rows_read = 0;                   // data rows of all files, bad ones included
  std::map<std::string, std::uint64_t> skipped;  // bad rows by reason
};

/// Parses log files (in the order given) on all threads and hands their rows, in file order and one batch at a time, to
/// `sink`; memory does not grow with the files. Rows carry dense ids and their row number over all files.
/// Throws InputError "file:line:column: ..." for the first bad row unless skip_bad_rows.
LogCsvCounts read_log_csv(const std::vector<std::filesystem::path>& paths, const IdMap& users, const IdMap& videos,
                          const LogCsvOptions& options, const std::function<void(std::span<const LogRow>)>& sink);

}  // namespace swipegym
