#include "sim_data/csv/log_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "sim_data/calendar.h"
#include "sim_data/csv/csv_file.h"
#include "sim_data/dataset.h"
#include "sim_data/log_limits.h"

namespace swipegym {

namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
constexpr std::size_t kMaxRowBytes = 512 + 4 * (kMaxIdBytes + 1);  // 20 numbers, or two texts of quotes among them

constexpr std::string_view kHeader =
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab";

template <class T>
char* put(char* at, T value) {
  return std::to_chars(at, at + 32, value).ptr;
}

char* put_flag(char* at, SignalBits bits, Signal signal) {
  *at++ = has(bits, signal) ? '1' : '0';
  *at++ = ',';
  return at;
}

template <class T>
char* put_cell(char* at, T value) {
  at = put(at, value);
  *at++ = ',';
  return at;
}

char* put_id(char* at, std::int64_t id, std::string_view text) {
  if (text.empty()) return put_cell(at, id);
  std::string cell;
  append_csv_text(cell, text);
  at = std::copy(cell.begin(), cell.end(), at);
  *at++ = ',';
  return at;
}

// What our own reader would refuse is not written.
void check_row(const CsvLogRow& row, std::int32_t date, std::int16_t hourmin, bool propensity) {
  const auto check = [](const ColumnLimits& limits, std::int64_t value) {
    if (!limits.allow(value)) throw_not_allowed(limits, value);
  };
  check(log_limits::kTime, row.time_ms), check(log_limits::kDate, date), check(log_limits::kHourmin, hourmin),
      check(log_limits::kTab, row.tab);
  check(log_limits::kPlay, row.play_ms), check(log_limits::kDuration, row.duration_ms),
      check(log_limits::kRandom, row.is_random);
  if (propensity && !(row.propensity > 0.0F && row.propensity <= 1.0F)) throw_no_propensity(row.propensity);
}

}  // namespace

LogCsvWriter::LogCsvWriter(std::filesystem::path folder, std::string stem, Format format)
    : folder_(std::move(folder)), stem_(std::move(stem)), format_(format), buffer_(kBufferBytes) {
  begin_part();
}

void LogCsvWriter::begin_part() {
  ++parts_;
  rows_in_part_ = 0;
  const std::string name = format_.rows_per_part == 0 ? stem_ + ".csv" : fmt::format("{}_part{:05}.csv", stem_, parts_);
  file_ = std::make_unique<OutputFile>(folder_ / name);
  file_->write(kHeader);
  file_->write(format_.propensity ? ",propensity\n" : "\n");
}

void LogCsvWriter::flush() {
  file_->write({buffer_.data(), used_});
  used_ = 0;
}

void LogCsvWriter::end_part() {
  flush();
  file_->commit();
}

void LogCsvWriter::add(const CsvLogRow& row) {
  if (format_.rows_per_part > 0 && rows_in_part_ == format_.rows_per_part) {
    end_part();
    begin_part();
  }
  if (used_ + kMaxRowBytes > buffer_.size()) flush();
  const std::int32_t date = row.date != 0 ? row.date : date_of_time(row.time_ms);
  const std::int16_t hourmin =
      row.hourmin != -1 ? row.hourmin : static_cast<std::int16_t>(hourmin_of_time(row.time_ms) / 100 * 100);
  check_row(row, date, hourmin, format_.propensity);
  char* at = buffer_.data() + used_;
  at = put_id(at, row.user_id, row.user_text);
  at = put_id(at, row.video_id, row.video_text);
  at = put_cell(at, date);
  at = put_cell(at, hourmin);
  at = put_cell(at, row.time_ms);
  for (const Signal signal : {Signal::kClick, Signal::kLike, Signal::kFollow, Signal::kComment, Signal::kForward,
                              Signal::kHate, Signal::kLongView})
    at = put_flag(at, row.signals, signal);
  at = put_cell(at, row.play_ms);
  at = put_cell(at, row.duration_ms);
  at = put_cell(at, row.profile_stay_ms);
  at = put_cell(at, row.comment_stay_ms);
  at = put_flag(at, row.signals, Signal::kProfile);
  at = put_cell(at, static_cast<int>(row.is_random));
  at = put(at, static_cast<int>(row.tab));
  if (format_.propensity) {
    *at++ = ',';
    at = put(at, row.propensity);
  }
  *at++ = '\n';
  used_ = static_cast<std::size_t>(at - buffer_.data());
  ++rows_;
  ++rows_in_part_;
}

void LogCsvWriter::finish() {
  end_part();
}

void write_release(const Dataset& data, const std::filesystem::path& folder, std::string_view suffix,
                   std::uint64_t rows_per_part, const Progress& progress) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw InputError(fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
  const Log& log = data.log;
  std::vector<std::uint32_t> order(log.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return log.source_row[a] < log.source_row[b]; });
  for (const std::uint8_t random : {1, 0}) {
    if (std::find(log.is_random.begin(), log.is_random.end(), random) == log.is_random.end()) continue;
    // A file has a propensity in every row or no such column, so that one kind of rows may have them and the other not.
    bool known = false;
    for (std::size_t i = 0; i < log.propensity.size() && !known; ++i)
      known = log.is_random[i] == random && !std::isnan(log.propensity[i]);
    LogCsvWriter writer(folder, fmt::format("log_{}_{}", random != 0 ? "random" : "standard", suffix),
                        {.rows_per_part = rows_per_part, .propensity = known});
    for (const std::uint32_t i : order) {
      if (log.is_random[i] != random) continue;
      if (writer.rows() % 65536 == 0) report(progress, "write", writer.rows(), log.size());
      const std::size_t user = index_of(log.user[i]), video = index_of(log.video[i]);
      writer.add({.user_id = data.users.raw_id[user],
                  .video_id = data.videos.raw_id[video],
                  .user_text = data.users.id_text.at_or_empty(user),
                  .video_text = data.videos.id_text.at_or_empty(video),
                  .time_ms = log.time_ms[i],
                  .date = log.date[i],
                  .hourmin = log.hourmin[i],
                  .signals = log.signals[i],
                  .play_ms = log.play_ms[i],
                  .duration_ms = log.duration_ms[i],
                  .is_random = log.is_random[i],
                  .tab = log.tab[i],
                  .propensity = known ? log.propensity[i] : 1.0F});
    }
    writer.finish();
  }
  write_user_csv(folder / fmt::format("user_features_{}.csv", suffix), data.users);
  write_video_csv(folder / fmt::format("video_features_basic_{}.csv", suffix), data.videos);
  if (!data.truth.empty()) write_file(folder / "truth.json", data.truth);
}

CsvLogRow without_ids(const LogRow& row) {
  return {.time_ms = row.time_ms,
          .date = row.date,
          .hourmin = static_cast<std::int16_t>(row.hourmin),
          .signals = row.signals,
          .play_ms = row.play_ms,
          .duration_ms = row.duration_ms,
          .is_random = static_cast<std::uint8_t>(row.is_random),
          .tab = row.tab,
          .propensity = row.propensity};
}

bool is_release_file(std::string_view name) {
  if (name == "truth.json") return true;
  constexpr std::string_view kStems[] = {"log_standard_", "log_random_", "user_features_", "video_features_"};
  return name.ends_with(".csv") && std::any_of(std::begin(kStems), std::end(kStems),
                                               [&](std::string_view stem) { return name.starts_with(stem); });
}

}  // namespace swipegym
