#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "sim_data/data_sets/data_set_csv.h"
#include "sim_data/id_map.h"
#include "sim_data/labels.h"
#include "sim_data/log_row.h"
#include "sim_data/store/spill_file.h"
#include "sim_data/tables.h"

namespace swipegym {

/// Columns of a table of users that stand in the rows of a log.
inline constexpr std::size_t kUserFacts = 2;

/// A row of another data set's log; trivially copyable, since it is spilled.
struct DataSetRow {
  std::int64_t user = 0, item = 0;  // ids of the data set
  std::int64_t time_ms = 0;         // with DataSetClock::kDays, the day counted from 0
  std::int32_t play_ms = 0, duration_ms = 0;
  std::array<float, kUserFacts> about_user{};
  std::uint32_t source_row = 0;  // of all log files
  std::uint16_t tag = VideoTable::kNoTag;
  SignalBits signals = 0;
  bool is_random = false;
};

/// What a data set knows of the time of a row. Where it is not the millisecond, the rows of a user's day are one
/// session in the order of the file: it begins at eight in the morning, and each row where the play before it ends.
enum class DataSetClock : std::uint8_t {
  kTimes,  // the time
  kDays,   // the day
  kOrder   // which of a user's rows came first; kRowsADay of them are called a day
};
inline constexpr std::int64_t kRowsADay = 20;
/// The day that day 0 is called where the data set does not say.
inline constexpr std::int32_t kUnknownFirstDate = 20210101;

/// Videos by one row each.
struct DataSetVideo {
  std::int64_t id = 0, author = 0, music = 0;
  std::string video_type = "NORMAL", upload_type = "unknown";
  std::int32_t upload_date = 0;
  float duration_ms = std::numeric_limits<float>::quiet_NaN();
  std::int16_t width = 0, height = 0;
  std::vector<std::uint16_t> tags{};
};

/// Adds rows to a table of videos.
class DataSetVideos {
 public:
  DataSetVideos();
  bool has(std::int64_t id) const noexcept { return index_.find(id) != IdMap::kNone; }
  void add(const DataSetVideo& video);
  VideoTable take();

 private:
  static std::uint8_t code(std::vector<std::string>& texts, const std::string& text);

  VideoTable table_;
  IdMap index_, authors_;
};

/// An import of a data set: first its tables, as far as it has any, then its log files, then finish().
class DataSetImport {
 public:
  DataSetImport(std::filesystem::path out, const LoadOptions& options);

  /// Rows of anybody else are bad from now on. Without, whoever is in a row is known by the id alone.
  void know_users(UserTable users);
  /// The same from the folder's user_features.csv, if it has one. any_columns: not just KuaiRand's.
  void know_users_of(const std::filesystem::path& folder, bool any_columns);
  void know_videos(VideoTable videos);
  using ParseVideo = std::function<const char*(const DataSetCells&, DataSetVideo&)>;
  /// Reads a file with a row a video, as read_data_set_rows() does; further rows of one are left out, for `repeated`.
  VideoTable read_videos(DataSetFile& file, const std::string& prefix, const std::string& repeated,
                         const ParseVideo& parse);
  /// Of users that no table tells of: what DataSetRow::about_user are.
  void name_user_facts(std::vector<std::string> names) { fact_names_ = std::move(names); }

  /// Of a known video, for rows that do not say it; 0 where it is unknown.
  std::int32_t duration_of(std::int64_t item) const noexcept;

  using Parse = std::function<const char*(const DataSetCells&, DataSetRow&)>;
  /// Reads a file of the log; `user` and `item` are the layout's columns with the ids, `parse` reads the others as in
  /// read_data_set_rows().
  void read_log(const std::filesystem::path& path, const DataSetLayout& layout, std::size_t user, std::size_t item,
                const Parse& parse);

  /// What every row of the report was assumed to be, as the data set does not say it.
  void assume(const std::string& what) { assumed_.push_back(what); }
  /// For what the report says beside the rows.
  LoadReport& report() noexcept { return report_; }
  const LoadOptions& options() const noexcept { return options_; }
  /// Writes the store. Throws InputError where no row was read.
  LoadReport finish(DataSetClock clock);

 private:
  std::vector<std::uint32_t> settle_users();
  std::vector<std::uint32_t> settle_videos();
  void put_away(std::span<DataSetRow> rows);

  std::filesystem::path out_;
  LoadOptions options_;
  LoadReport report_;
  SpillFile spill_;
  UserTable users_;
  VideoTable videos_;
  IdMap user_index_, video_index_;
  bool users_known_ = false, videos_known_ = false;
  std::vector<std::string> fact_names_, assumed_;
  std::vector<std::array<float, kUserFacts>> facts_;  // of users met in rows
  std::vector<std::uint16_t> tags_;                   // of videos met in rows
  std::uint64_t lines_ = 0, rows_ = 0;
};

/// The signals that KuaiRand's rules make of a play: click and long view. Nothing where the duration is unknown.
inline SignalBits signals_of_play(std::int32_t play_ms, std::int32_t duration_ms) noexcept {
  if (duration_ms <= 0) return 0;
  return static_cast<SignalBits>((is_valid_play(play_ms, duration_ms) ? bit(Signal::kClick) : 0U) |
                                 (is_long_view(play_ms, duration_ms) ? bit(Signal::kLongView) : 0U));
}

}  // namespace swipegym
