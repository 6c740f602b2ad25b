#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/progress.h"
#include "sim_data/csv/csv_file.h"
#include "sim_data/tables.h"

namespace swipegym {

struct TableCsvOptions {
  bool skip_bad_rows = false;
  int threads = 0;
  Progress progress{};
  bool any_columns = false;  // of users beside user_id: another data set's
};

struct TableCsvCounts {
  std::map<std::string, std::uint64_t> skipped;  // bad rows by reason
  std::map<std::string, std::uint64_t> noted;    // unusual cells: empty ones, the code -124, several tags
};

/// Where a table has its ids, and whether they are texts: "user_id", or "user_id:token". Throws InputError for neither,
/// and for both.
std::pair<std::size_t, bool> require_id_column(const CsvFile& file, std::string_view name);
/// The number of an id's cell. Returns what was expected instead when it is none, else nothing.
std::string read_id(std::string_view cell, bool is_text, std::int64_t& id);

/// Reads user_features_*.csv. Row i of the files in order is UserIndex i. Throws InputError "file:line:column: ..." for
/// a missing column, text where a number belongs or a repeated user.
UserTable read_user_csv(const std::vector<std::filesystem::path>& paths, const TableCsvOptions& options,
                        TableCsvCounts& counts);

/// Reads video_features_basic_*.csv, in parallel. Row i of the files in order is VideoIndex i. Errors as above.
VideoTable read_video_csv(const std::vector<std::filesystem::path>& paths, const TableCsvOptions& options,
                          TableCsvCounts& counts);

/// Of rows with one raw_id keeps the first; returns how many went.
std::uint64_t drop_repeated(VideoTable& videos);

}  // namespace swipegym
