#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/progress.h"
#include "sim_data/tables.h"

namespace swipegym {

struct TableCsvOptions {
  bool skip_bad_rows = false;
  int threads = 0;
  Progress progress{};
};

struct TableCsvCounts {
  std::map<std::string, std::uint64_t> skipped;  // bad rows by reason
  std::map<std::string, std::uint64_t> noted;    // unusual cells: empty ones, the code -124, several tags
};

/// Reads user_features_*.csv. Row i of the files in order is UserIndex i. Throws InputError "file:line:column: ..." for
/// a missing column, text where a number belongs or a repeated user.
UserTable read_user_csv(const std::vector<std::filesystem::path>& paths, const TableCsvOptions& options,
                        TableCsvCounts& counts);

/// Reads video_features_basic_*.csv, in parallel. Row i of the files in order is VideoIndex i. Errors as above.
VideoTable read_video_csv(const std::vector<std::filesystem::path>& paths, const TableCsvOptions& options,
                          TableCsvCounts& counts);

}  // namespace swipegym
