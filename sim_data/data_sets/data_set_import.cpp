#include "sim_data/data_sets/data_set_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "sim_data/calendar.h"
#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/log_limits.h"
#include "sim_data/store/log_store.h"
#include "sim_data/store/row_sorter.h"

namespace swipegym {
namespace {

constexpr std::size_t kSpilledAtOnce = 65536;
constexpr std::int64_t kMostDays = 28'000;                 // behind kUnknownFirstDate, before the year 2100
constexpr std::int64_t kSessionBegin = 8LL * 3600 * 1000;  // eight in the morning
constexpr std::int64_t kShortestStep = 1000, kLongestStep = 29LL * 60 * 1000;  // a longer gap would end the session

std::filesystem::path folder_beside(const std::filesystem::path& out) {
  return out.has_parent_path() ? out.parent_path() : std::filesystem::path(".");
}

void set_time(LogRow& row, std::int64_t time_ms) {
  row.time_ms = time_ms;
  row.date = date_of_time(time_ms);
  row.hourmin = static_cast<std::uint16_t>(hourmin_of_time(time_ms)) & 0x7FFFU;
}

std::int64_t midnight_of(std::int64_t day) {
  return (days_of_date(kUnknownFirstDate) + day) * kDayMs - kUtcOffsetMs;
}

// Gives the rows of a user, which come in order, times within their days.
class DayClock {
 public:
  explicit DayClock(DataSetClock clock) : clock_(clock) {}

  void set(LogRow& row) {
    if (row.user != user_) user_ = row.user, day_ = -1, of_user_ = 0;
    const std::int64_t day =
        clock_ == DataSetClock::kOrder ? std::min(of_user_++ / kRowsADay, kMostDays) : day_of(row.time_ms);
    if (day != day_) day_ = day, now_ = kSessionBegin;
    set_time(row, midnight_of(day) + std::min(now_, kDayMs - 1));
    now_ += std::clamp<std::int64_t>(row.play_ms, kShortestStep, kLongestStep);
  }

  // Where a row of that day is kept until its session is known.
  static std::int64_t provisional(std::int64_t day) { return midnight_of(day); }

 private:
  static std::int64_t day_of(std::int64_t time_ms) { return (time_ms - midnight_of(0)) / kDayMs; }

  DataSetClock clock_;
  std::uint32_t user_ = IdMap::kNone;
  std::int64_t day_ = -1, now_ = 0, of_user_ = 0;
};

// From places in the order of first appearance to rows of a table whose ids ascend; puts the ids in order.
std::vector<std::uint32_t> sort_ids(std::vector<std::int64_t>& ids, std::vector<std::uint32_t>& order) {
  order.resize(ids.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return ids[a] < ids[b]; });
  std::vector<std::uint32_t> row(ids.size());
  std::vector<std::int64_t> sorted;
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    row[order[i]] = i;
    sorted.push_back(ids[order[i]]);
  }
  ids = std::move(sorted);
  return row;
}

template <class Table>
IdMap index_ids(const Table& table) {
  return IdMap(std::span(table.raw_id));
}

}  // namespace

DataSetVideos::DataSetVideos() {
  table_.tag_offset = {0};
}

std::uint8_t DataSetVideos::code(std::vector<std::string>& texts, const std::string& text) {
  auto found = std::find(texts.begin(), texts.end(), text);
  if (found == texts.end()) {
    if (texts.size() == 256)
      throw InputError(
          fmt::format("more than 256 types of videos, such as '{}'; is it a column of text?", shown(text)));
    found = texts.insert(texts.end(), text);
  }
  return static_cast<std::uint8_t>(found - texts.begin());
}

void DataSetVideos::add(const DataSetVideo& video) {
  index_.find_or_add(video.id);
  table_.raw_id.push_back(video.id);
  table_.author.push_back(authors_.find_or_add(video.author));
  if (table_.author.back() == table_.author_raw_id.size()) table_.author_raw_id.push_back(video.author);
  table_.video_type.push_back(code(table_.video_types, video.video_type));
  table_.upload_type.push_back(code(table_.upload_types, video.upload_type));
  table_.upload_date.push_back(video.upload_date);
  table_.duration_ms.push_back(video.duration_ms);
  table_.width.push_back(video.width), table_.height.push_back(video.height);
  table_.music_id.push_back(video.music), table_.music_type.push_back(-1);
  table_.tag.insert(table_.tag.end(), video.tags.begin(), video.tags.end());
  table_.tag_offset.push_back(static_cast<std::uint32_t>(table_.tag.size()));
}

VideoTable DataSetVideos::take() {
  return std::move(table_);
}

DataSetImport::DataSetImport(std::filesystem::path out, const LoadOptions& options)
    : out_(std::move(out)), options_(options), spill_(folder_beside(out_)) {}

void DataSetImport::know_users(UserTable users) {
  users_ = std::move(users);
  user_index_ = index_ids(users_);
  users_known_ = true;
}

void DataSetImport::know_users_of(const std::filesystem::path& folder, bool any_columns) {
  const auto file = find_data_set_file(folder, "user_features.csv");
  if (!file) return;
  TableCsvCounts counts;
  UserTable users = read_user_csv({*file},
                                  {.skip_bad_rows = options_.skip_bad_rows,
                                   .threads = options_.threads,
                                   .progress = options_.progress,
                                   .any_columns = any_columns},
                                  counts);
  for (const auto& [reason, count] : counts.skipped) report_.dropped[reason] += count;
  for (const auto& [what, count] : counts.noted) report_.noted[what] += count;
  know_users(std::move(users));
}

VideoTable DataSetImport::read_videos(DataSetFile& file, const std::string& prefix, const std::string& repeated,
                                      const ParseVideo& parse) {
  DataSetVideos videos;
  read_data_set_rows<DataSetVideo>(file, options_, prefix, report_.dropped, parse, [&](std::span<DataSetVideo> rows) {
    for (const DataSetVideo& video : rows) {
      if (videos.has(video.id))
        ++report_.dropped[prefix + repeated];
      else
        videos.add(video);
    }
  });
  return videos.take();
}

std::int32_t DataSetImport::duration_of(std::int64_t item) const noexcept {
  const std::uint32_t video = video_index_.find(item);
  const float duration = video == IdMap::kNone ? 0.0F : videos_.duration_ms[video];
  return duration >= 0.0F ? static_cast<std::int32_t>(std::lround(duration)) : 0;
}

void DataSetImport::know_videos(VideoTable videos) {
  videos_ = std::move(videos);
  video_index_ = index_ids(videos_);
  videos_known_ = true;
}

void DataSetImport::read_log(const std::filesystem::path& path, const DataSetLayout& layout, std::size_t user,
                             std::size_t item, const Parse& parse) {
  DataSetFile file(path, layout);
  const std::uint64_t before = lines_;
  const auto parse_known = [&](const DataSetCells& cells, DataSetRow& row) {
    row.user = cells.id(user), row.item = cells.id(item);
    if (users_known_ && user_index_.find(row.user) == IdMap::kNone) cells.refuse(user, "a user of the table of users");
    if (videos_known_ && video_index_.find(row.item) == IdMap::kNone)
      cells.refuse(item, "one that the table of videos has");
    return parse(cells, row);
  };
  const auto put = [&](std::span<DataSetRow> rows) { put_away(rows); };
  lines_ = before + read_data_set_rows<DataSetRow>(file, options_, "", report_.dropped, parse_known, put);
}

void DataSetImport::put_away(std::span<DataSetRow> rows) {
  if (rows_ + rows.size() > std::numeric_limits<std::uint32_t>::max())
    throw InputError("more than 4294967295 rows in all log files");
  for (DataSetRow& row : rows) {
    const std::uint32_t user = users_known_ ? user_index_.find(row.user) : user_index_.find_or_add(row.user);
    const std::uint32_t video = videos_known_ ? video_index_.find(row.item) : video_index_.find_or_add(row.item);
    if (!users_known_ && user == users_.size()) {
      users_.raw_id.push_back(row.user);
      facts_.push_back(row.about_user);
    }
    if (!videos_known_ && video == videos_.size()) {
      videos_.raw_id.push_back(row.item);
      tags_.push_back(row.tag);
    } else if (!videos_known_ && tags_[video] == VideoTable::kNoTag) {
      tags_[video] = row.tag;
    }
    row.user = user, row.item = video;
    row.source_row = static_cast<std::uint32_t>(rows_++);
  }
  if (!rows.empty()) spill_.append(rows.data(), rows.size_bytes());
}

std::vector<std::uint32_t> DataSetImport::settle_users() {
  if (users_known_) return {};
  std::vector<std::uint32_t> order, row = sort_ids(users_.raw_id, order);
  for (std::size_t f = 0; f < fact_names_.size(); ++f) {
    FeatureColumn& column = users_.columns.emplace_back();
    column.name = fact_names_[f];
    for (const std::uint32_t place : order) column.value.push_back(facts_[place][f]);
  }
  return row;
}

std::vector<std::uint32_t> DataSetImport::settle_videos() {
  if (videos_known_) return {};
  std::vector<std::uint32_t> order, row = sort_ids(videos_.raw_id, order);
  DataSetVideos videos;
  for (std::size_t v = 0; v < order.size(); ++v) {
    DataSetVideo video{.id = videos_.raw_id[v]};
    if (tags_[order[v]] != VideoTable::kNoTag) video.tags = {tags_[order[v]]};
    videos.add(video);
  }
  videos_ = videos.take();
  return row;
}

LoadReport DataSetImport::finish(DataSetClock clock) {
  if (clock == DataSetClock::kDays) assume("only days known: a user's day is a session, in the file's order");
  if (clock == DataSetClock::kOrder) assume(fmt::format("no times: {} rows of a user are called a day", kRowsADay));
  if (rows_ == 0) throw InputError("no row of the log was kept; is it the right file?");
  const std::vector<std::uint32_t> user_row = settle_users(), video_row = settle_videos();
  const std::size_t users = users_.size();
  LogStoreBuilder builder(out_, std::move(users_), std::move(videos_), "", options_.threads, options_.progress);
  RowSorter by_day(users, folder_beside(out_));  // only where times are made
  std::vector<DataSetRow> piece;
  std::vector<LogRow> rows;
  for (std::uint64_t begin = 0; begin < rows_; begin += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kSpilledAtOnce, rows_ - begin)));
    spill_.read(piece.data(), piece.size() * sizeof(DataSetRow), begin * sizeof(DataSetRow));
    rows.clear();
    for (const DataSetRow& one : piece) {
      LogRow& row = rows.emplace_back();
      row.user = user_row.empty() ? static_cast<std::uint32_t>(one.user) : user_row[static_cast<std::size_t>(one.user)];
      row.video =
          video_row.empty() ? static_cast<std::uint32_t>(one.item) : video_row[static_cast<std::size_t>(one.item)];
      row.play_ms = one.play_ms, row.duration_ms = one.duration_ms;
      row.signals = one.signals, row.is_random = one.is_random ? 1U : 0U;
      row.tab = 1;
      row.source_row = one.source_row;
      if (clock == DataSetClock::kTimes) set_time(row, one.time_ms);
      if (clock == DataSetClock::kDays) set_time(row, DayClock::provisional(one.time_ms));
      if (clock == DataSetClock::kOrder) set_time(row, one.source_row);  // none is a copy of another
    }
    clock == DataSetClock::kTimes ? builder.add(rows) : by_day.add(rows);
    swipegym::report(options_.progress, "sorting rows", begin, rows_);
  }
  std::uint64_t repeated = 0;
  if (clock != DataSetClock::kTimes) {
    DayClock day_clock(clock);
    const auto sink = [&](std::span<const LogRow> batch) {
      rows.assign(batch.begin(), batch.end());
      for (LogRow& row : rows) day_clock.set(row);
      builder.add(rows);
    };
    repeated = by_day.drain(options_.threads, RowFilter(LoadOptions{}), options_.progress, sink).repeated;
  }
  LoadReport report = builder.finish();
  report.rows_read = lines_;
  if (repeated > 0) report.dropped["repeated"] += repeated;
  for (const auto& [reason, count] : report_.dropped) report.dropped[reason] += count;
  for (const auto& [what, count] : report_.noted) report.noted[what] += count;
  for (const std::string& what : assumed_) report.noted[what] += report.rows_kept;
  return report;
}

}  // namespace swipegym
