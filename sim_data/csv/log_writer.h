#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/output_file.h"
#include "core/output_folder.h"
#include "core/progress.h"
#include "sim_data/log.h"
#include "sim_data/log_row.h"
#include "sim_data/tables.h"

namespace swipegym {

struct Dataset;

/// A row as KuaiRand's log files have it, with raw ids.
struct CsvLogRow {
  std::int64_t user_id = 0, video_id = 0;
  std::string_view user_text{}, video_text{};  // written instead where ids are texts
  std::int64_t time_ms = 0;
  std::int32_t date = 0;      // yyyymmdd; 0: that of time_ms in Kuaishou's time zone
  std::int16_t hourmin = -1;  // hhmm; -1: that of time_ms, cut to the hour as in the real files
  SignalBits signals = 0;
  std::int32_t play_ms = 0, duration_ms = 0;
  std::int32_t profile_stay_ms = 0, comment_stay_ms = 0;
  std::uint8_t is_random = 0;
  std::uint8_t tab = 0;
  float propensity = std::numeric_limits<float>::quiet_NaN();  // written where the writer has the column
};

/// A row as files have it, but for its ids.
CsvLogRow without_ids(const LogRow& row);

/// Writes a log in KuaiRand's columns and order, in one file or in parts of a fixed number of rows; memory does not
/// grow with the rows. Part numbers have five digits, so that string order is row order.
class LogCsvWriter {
 public:
  struct Format {
    std::uint64_t rows_per_part = 0;  // 0: one file, without a part number
    bool propensity = false;          // a 20th column: the probability the logging policy gave the shown video
  };
  /// Files are named <stem>.csv or <stem>_part00001.csv, ... in `folder`; the stem begins with log_standard_ or
  /// log_random_. Throws InputError when they cannot be made.
  LogCsvWriter(std::filesystem::path folder, std::string stem, Format format);
  void add(const CsvLogRow& row);
  /// Completes the last part; there is always at least one. Throws SystemError when the disk is full.
  void finish();
  std::uint64_t rows() const noexcept { return rows_; }

 private:
  void begin_part();
  void end_part();
  void flush();

  std::filesystem::path folder_;
  std::string stem_;
  Format format_;
  std::unique_ptr<OutputFile> file_;
  std::uint64_t rows_ = 0, parts_ = 0, rows_in_part_ = 0;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
};

/// Write the feature tables as user_features_*.csv and video_features_basic_*.csv; loading them gives the same tables.
void write_user_csv(const std::filesystem::path& path, const UserTable& users);
void write_video_csv(const std::filesystem::path& path, const VideoTable& videos);

/// Writes a data set as a release into `folder` (made if needed): log_random_<suffix>.csv, log_standard_<suffix>.csv,
/// both feature tables and, where there is one, truth.json. Rows follow source_row within each log. A log has the
/// column propensity when any of its rows has one; then all must, since a cell cannot say that it is not known.
void write_release(const Dataset& data, const std::filesystem::path& folder, std::string_view suffix,
                   std::uint64_t rows_per_part = 0, const Progress& progress = {});

/// True for the names such a folder holds; what OutputFolder may replace.
bool is_release_file(std::string_view name);

}  // namespace swipegym
