#include "env/catalogue.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

/// Sums over the fitted rows of one video, user or the whole log.
struct Tally {
  double ratio = 0;
  double timed_rows = 0;  // rows with a known duration
  double clicks = 0;
  double likes = 0;
  double hates = 0;
  std::uint32_t rows = 0;

  void add(float watch_ratio, bool timed, SignalBits signals) {
    ++rows;
    clicks += has(signals, Signal::kClick);
    likes += has(signals, Signal::kLike);
    hates += has(signals, Signal::kHate);
    if (timed) timed_rows += 1, ratio += watch_ratio;
  }
};

float shrunk(double sum, double count, double mean, double strength) {
  return static_cast<float>((sum + strength * mean) / (count + strength));
}

float row_ratio(const Log& log, std::size_t row) {
  if (log.duration_ms[row] <= 0) return 0.0F;
  return std::min(static_cast<float>(log.play_ms[row]) / static_cast<float>(log.duration_ms[row]), kRatioClip);
}

[[noreturn]] void throw_no_rows(const Log& log, std::int32_t until_date) {
  if (log.size() == 0) throw InputError("the log is empty: expected at least one exposure");
  const std::int32_t first = *std::min_element(log.date.begin(), log.date.end());
  throw InputError("no row with date <= " + std::to_string(until_date) + ": the log begins on " +
                   std::to_string(first) + "; choose that date or a later one");
}

struct Tallies {
  Tally all;
  std::vector<Tally> video, user;
};

Tallies tally(const Dataset& data, std::int32_t until_date) {
  Tallies sums{{}, std::vector<Tally>(data.videos.size()), std::vector<Tally>(data.users.size())};
  const Log& log = data.log;
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.date[row] > until_date) continue;
    const bool timed = log.duration_ms[row] > 0;
    const float ratio = row_ratio(log, row);
    for (Tally* t : {&sums.all, &sums.video[index_of(log.video[row])], &sums.user[index_of(log.user[row])]})
      t->add(ratio, timed, log.signals[row]);
  }
  if (sums.all.rows == 0) throw_no_rows(log, until_date);
  return sums;
}

std::int32_t median_of(std::vector<std::int32_t>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The table's duration; where that is missing the median of the video's rows, else the median of the pool.
void fill_durations(const Dataset& data, std::int32_t until_date, Catalogue& catalogue) {
  const std::size_t videos = data.videos.size();
  catalogue.duration_ms.assign(videos, 0);
  std::vector<std::int32_t> known;
  std::size_t missing = 0;
  for (std::size_t v = 0; v < videos; ++v) {
    const float duration = data.videos.duration_ms[v];
    if (std::isfinite(duration) && duration >= 1.0F)
      known.push_back(catalogue.duration_ms[v] = static_cast<std::int32_t>(duration));
    else
      ++missing;
  }
  if (missing == 0) return;
  std::vector<std::pair<std::uint32_t, std::int32_t>> rows;  // (video, duration) of videos that the table misses
  for (std::size_t row = 0; row < data.log.size(); ++row) {
    const std::uint32_t v = index_of(data.log.video[row]);
    if (data.log.date[row] <= until_date && data.log.duration_ms[row] > 0 && catalogue.duration_ms[v] == 0)
      rows.emplace_back(v, data.log.duration_ms[row]);
  }
  std::sort(rows.begin(), rows.end());
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first;
    while (last < rows.size() && rows[last].first == rows[first].first) ++last;
    known.push_back(catalogue.duration_ms[rows[first].first] = rows[(first + last) / 2].second);
    first = last;
  }
  const std::int32_t pool = std::max(median_of(known), 1);
  for (std::int32_t& duration : catalogue.duration_ms)
    if (duration == 0) duration = pool;
}

/// First tags made dense in ascending order of their codes; the last index stands for 'none'.
void fill_tags(const VideoTable& videos, Catalogue& catalogue) {
  std::vector<std::uint16_t> dense(std::size_t{VideoTable::kNoTag} + 1, 0);
  for (std::size_t v = 0; v < videos.size(); ++v)
    if (videos.first_tag(v) != VideoTable::kNoTag) dense[videos.first_tag(v)] = 1;
  std::uint16_t next = 0;
  for (std::uint16_t& code : dense) code = code ? next++ : VideoTable::kNoTag;
  dense[VideoTable::kNoTag] = next;
  catalogue.num_tags = next + 1U;
  catalogue.tag.resize(videos.size());
  for (std::size_t v = 0; v < videos.size(); ++v) catalogue.tag[v] = dense[videos.first_tag(v)];
  catalogue.tag_code.assign(catalogue.num_tags, VideoTable::kNoTag);
  for (std::size_t v = 0; v < videos.size(); ++v) catalogue.tag_code[catalogue.tag[v]] = videos.first_tag(v);
}

/// What no observation shows and filters may ask for.
void fill_filter_columns(const VideoTable& videos, const Tallies& sums, Catalogue& catalogue) {
  const double hate_rate = sums.all.hates / sums.all.rows;
  catalogue.hate_rate.resize(videos.size());
  for (std::size_t v = 0; v < videos.size(); ++v)
    catalogue.hate_rate[v] = shrunk(sums.video[v].hates, sums.video[v].rows, hate_rate, kShrinkage);
  catalogue.upload_day.clear();
  for (const std::int32_t date : videos.upload_date)
    catalogue.upload_day.push_back(date == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(days_of_date(date)));
  catalogue.visible_status = videos.visible_status;
  catalogue.raw_author_id = videos.author_raw_id;
}

void fill_video_features(const VideoTable& videos, const Tallies& sums, Catalogue& catalogue) {
  const double mean_ratio = sums.all.ratio / std::max(sums.all.timed_rows, 1.0);
  const double click_rate = sums.all.clicks / sums.all.rows;
  const double like_rate = sums.all.likes / sums.all.rows;
  std::vector<double> tag_rows(catalogue.num_tags, 0.0);
  for (std::size_t v = 0; v < videos.size(); ++v) tag_rows[catalogue.tag[v]] += sums.video[v].rows;
  const double all_rows = std::log1p(static_cast<double>(sums.all.rows));
  const auto ad = std::find(videos.video_types.begin(), videos.video_types.end(), "AD") - videos.video_types.begin();

  catalogue.exposures.resize(videos.size());
  catalogue.item_mean.resize(videos.size());
  catalogue.video_features.resize(videos.size() * kVideoFeatures);
  for (std::size_t v = 0; v < videos.size(); ++v) {
    const Tally& t = sums.video[v];
    catalogue.exposures[v] = t.rows;
    catalogue.item_mean[v] = shrunk(t.ratio, t.timed_rows, mean_ratio, kShrinkage);
    float* f = &catalogue.video_features[v * kVideoFeatures];
    f[kVideoLogDuration] = (std::log(static_cast<float>(catalogue.duration_ms[v]) * 1e-3F) - 3.5F) / 1.5F;
    f[kVideoExposures] = std::log1p(static_cast<float>(t.rows)) / 10.0F;
    f[kVideoMeanRatio] = catalogue.item_mean[v];
    f[kVideoClickRate] = shrunk(t.clicks, t.rows, click_rate, kShrinkage);
    f[kVideoLikeRate] = 10.0F * shrunk(t.likes, t.rows, like_rate, kShrinkage);
    f[kVideoIsAd] = videos.video_type[v] == ad ? 1.0F : 0.0F;
    f[kVideoUploadType] = static_cast<float>(videos.upload_type[v]) /
                          static_cast<float>(std::max<std::size_t>(videos.upload_types.size(), 1));
    f[kVideoTagPopularity] = static_cast<float>(std::log1p(tag_rows[catalogue.tag[v]]) / all_rows);
  }
}

/// A numeric cell, or 0 when the column or the cell is missing.
float cell(const FeatureColumn* column, std::size_t user) {
  return column == nullptr || std::isnan(column->value[user]) ? 0.0F : column->value[user];
}

float log_scaled(const FeatureColumn* column, std::size_t user) {
  return std::log1p(std::max(cell(column, user), 0.0F)) / 8.0F;
}

UserFeature activity_feature(const FeatureColumn* degree, std::size_t user) {
  static constexpr std::array<std::string_view, 5> kDegrees = {"full_active", "high_active", "middle_active",
                                                               "low_active", "2_14_day_new"};
  if (degree == nullptr || std::isnan(degree->value[user])) return kUserOtherActive;
  const auto code = static_cast<std::size_t>(degree->value[user]);
  if (code >= degree->categories.size()) return kUserOtherActive;
  const auto found = std::find(kDegrees.begin(), kDegrees.end(), degree->categories[code]);
  return static_cast<UserFeature>(kUserFullActive + (found - kDegrees.begin()));
}

void fill_user_features(const UserTable& users, const Tallies& sums, Catalogue& catalogue) {
  const double mean_ratio = sums.all.ratio / std::max(sums.all.timed_rows, 1.0);
  const double click_rate = sums.all.clicks / sums.all.rows;
  const FeatureColumn* degree = users.find("user_active_degree");
  const FeatureColumn* streamer = users.find("is_live_streamer");
  const FeatureColumn* author = users.find("is_video_author");
  const FeatureColumn* follows = users.find("follow_user_num");
  const FeatureColumn* fans = users.find("fans_user_num");
  const FeatureColumn* friends = users.find("friend_user_num");
  const FeatureColumn* days = users.find("register_days");
  const FeatureColumn* low = users.find("is_lowactive_period");

  catalogue.user_features.assign(users.size() * kUserFeatures, 0.0F);
  for (std::size_t u = 0; u < users.size(); ++u) {
    float* f = &catalogue.user_features[u * kUserFeatures];
    f[activity_feature(degree, u)] = 1.0F;
    f[kUserIsStreamer] = cell(streamer, u) == 1.0F ? 1.0F : 0.0F;
    f[kUserIsAuthor] = cell(author, u) == 1.0F ? 1.0F : 0.0F;
    f[kUserFollows] = log_scaled(follows, u);
    f[kUserFans] = log_scaled(fans, u);
    f[kUserFriends] = log_scaled(friends, u);
    f[kUserRegisterDays] = log_scaled(days, u);
    f[kUserLowPeriod] = cell(low, u) == 1.0F ? 1.0F : 0.0F;
    f[kUserRows] = std::log1p(static_cast<float>(sums.user[u].rows)) / 8.0F;
    f[kUserMeanRatio] = shrunk(sums.user[u].ratio, sums.user[u].timed_rows, mean_ratio, kUserShrinkage);
    f[kUserClickRate] = shrunk(sums.user[u].clicks, sums.user[u].rows, click_rate, kUserShrinkage);
  }
}

}  // namespace

Catalogue build_catalogue(const Dataset& data, std::int32_t until_date) {
  const Tallies sums = tally(data, until_date);
  Catalogue catalogue;
  catalogue.raw_video_id = data.videos.raw_id;
  catalogue.raw_user_id = data.users.raw_id;
  catalogue.author = data.videos.author;
  catalogue.num_authors = static_cast<std::uint32_t>(data.videos.num_authors());
  for (const std::int32_t date : data.log.date)
    if (date <= until_date) catalogue.until = std::max(catalogue.until, date);
  fill_durations(data, until_date, catalogue);
  fill_tags(data.videos, catalogue);
  fill_video_features(data.videos, sums, catalogue);
  fill_filter_columns(data.videos, sums, catalogue);
  fill_user_features(data.users, sums, catalogue);
  return catalogue;
}

Population build_population(const Dataset& data, std::int32_t until_date) {
  const Log& log = data.log;
  Population population;
  population.history_offset.assign(1, 0);
  population.history_offset.reserve(data.users.size() + 1);
  std::vector<std::size_t> rows;  // of one user, up to until_date
  for (std::size_t u = 0; u < data.users.size(); ++u) {
    rows.clear();
    for (std::uint64_t row = data.user_offset[u]; row < data.user_offset[u + 1]; ++row)
      if (log.date[row] <= until_date) rows.push_back(row);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i > 0 && log.time_ms[rows[i]] - log.time_ms[rows[i - 1]] <= kSessionGapMs) continue;
      population.start_user.push_back(static_cast<std::uint32_t>(u));
      population.start_time_ms.push_back(log.time_ms[rows[i]]);
      population.start_tab.push_back(log.tab[rows[i]]);
    }
    const std::size_t skipped = rows.size() - std::min(rows.size(), kHistoryVideos);
    for (std::size_t i = skipped; i < rows.size(); ++i) {
      population.history_video.push_back(index_of(log.video[rows[i]]));
      population.history_ratio.push_back(row_ratio(log, rows[i]));
      population.history_signals.push_back(log.signals[rows[i]]);
    }
    population.history_offset.push_back(population.history_video.size());
  }
  if (population.start_user.empty()) throw_no_rows(log, until_date);
  return population;
}

}  // namespace swipegym
