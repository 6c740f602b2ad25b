#include "agents/left_out.h"

#include <algorithm>
#include <cmath>

#include "env/catalogue.h"
#include "policy/derive_item.h"

namespace swipegym {
namespace {

// As build_catalogue shrinks it.
float mean_of_rest(double sum, double count, double mean, double strength) noexcept {
  return static_cast<float>((sum + strength * mean) / (count + strength));
}

}  // namespace

void LeftOut::Sums::add(const Sums& other, double times) noexcept {
  ratio += times * other.ratio, timed += times * other.timed, clicks += times * other.clicks;
  likes += times * other.likes, rows += times * other.rows;
}

std::uint64_t LeftOut::key_of(std::uint32_t who, std::int32_t date) noexcept {
  return std::uint64_t{who} << 32U | static_cast<std::uint32_t>(date);
}

LeftOut::LeftOut(const Dataset& data, std::int32_t until, const std::string& what)
    : data_(data), until_(until), nothing_(what == "nothing"), day_(what == "day") {
  if (nothing_) return;
  std::vector<std::uint32_t> who(data.log.size());
  std::transform(data.log.user.begin(), data.log.user.end(), who.begin(), [](UserIndex u) { return index_of(u); });
  tally(users_, who, data.users.size());
  std::transform(data.log.video.begin(), data.log.video.end(), who.begin(), [](VideoIndex v) { return index_of(v); });
  tally(videos_, who, data.videos.size());
  for (const Sums& user : users_.all) log_.add(user, 1.0);
}

LeftOut::LeftOut(const Dataset& data, const Catalogue& catalogue, const std::string& what)
    : data_(data),
      until_(catalogue.until),
      nothing_(what == "nothing"),
      day_(what == "day"),
      users_stay_(true),
      answers_back_(true) {
  if (nothing_) return;
  std::vector<std::uint32_t> who(data.log.size());
  std::transform(data.log.video.begin(), data.log.video.end(), who.begin(), [](VideoIndex v) { return index_of(v); });
  tally(videos_, who, data.videos.size());
  sum_catalogue(catalogue);
}

// A shrunk mean is (sum + kShrinkage m) / (rows + kShrinkage); so the mean of them by these weights is m.
void LeftOut::sum_catalogue(const Catalogue& catalogue) {
  for (std::size_t v = 0; v < videos_.all.size(); ++v) {
    const float* f = &catalogue.video_features[v * kVideoFeatures];
    const double rows = catalogue.exposures[v], weight = rows + static_cast<double>(kShrinkage);
    videos_.all[v] = {.ratio = weight * f[kVideoMeanRatio],
                      .timed = rows,
                      .clicks = weight * f[kVideoClickRate],
                      .likes = weight * f[kVideoLikeRate] / 10.0,
                      .rows = rows};
    log_.add(videos_.all[v], 1.0);
  }
  const double weights = log_.rows + static_cast<double>(kShrinkage) * static_cast<double>(videos_.all.size());
  log_.rows = log_.timed = weights;
  for (Sums& video : videos_.all) {
    const Sums mean{.ratio = log_.ratio, .timed = 0.0, .clicks = log_.clicks, .likes = log_.likes, .rows = 0.0};
    video.add(mean, -static_cast<double>(kShrinkage) / weights);
  }
}

LeftOut::Sums LeftOut::of_row(std::size_t row) const noexcept {
  const Log& log = data_.log;
  Sums sums;
  sums.rows = 1.0;
  sums.clicks = has(log.signals[row], Signal::kClick) ? 1.0 : 0.0;
  sums.likes = has(log.signals[row], Signal::kLike) ? 1.0 : 0.0;
  if (log.duration_ms[row] <= 0) return sums;
  sums.timed = 1.0;
  sums.ratio = std::min(static_cast<float>(log.play_ms[row]) / static_cast<float>(log.duration_ms[row]), kRatioClip);
  return sums;
}

void LeftOut::tally(Tallies& tallies, const std::vector<std::uint32_t>& who, std::size_t size) const {
  const Log& log = data_.log;
  tallies.all.assign(size, {});
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.date[row] <= until_) tallies.all[who[row]].add(of_row(row), 1.0);
  if (!day_) return;
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.date[row] <= until_) tallies.day_key.push_back(key_of(who[row], log.date[row]));
  std::sort(tallies.day_key.begin(), tallies.day_key.end());
  tallies.day_key.erase(std::unique(tallies.day_key.begin(), tallies.day_key.end()), tallies.day_key.end());
  tallies.day.assign(tallies.day_key.size(), {});
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.date[row] > until_) continue;
    const auto at = std::lower_bound(tallies.day_key.begin(), tallies.day_key.end(), key_of(who[row], log.date[row]));
    tallies.day[static_cast<std::size_t>(at - tallies.day_key.begin())].add(of_row(row), 1.0);
  }
}

LeftOut::Sums LeftOut::without(const Tallies& tallies, std::uint32_t who, std::size_t row) const noexcept {
  Sums rest = tallies.all[who];
  if (day_) {
    const std::vector<std::uint64_t>& keys = tallies.day_key;
    const std::uint64_t of_day = key_of(who, data_.log.date[row]);
    const std::uint64_t end = answers_back_ ? key_of(who + 1, 0) : of_day + 1;
    for (auto at = std::lower_bound(keys.begin(), keys.end(), of_day); at != keys.end() && *at < end; ++at)
      rest.add(tallies.day[static_cast<std::size_t>(at - keys.begin())], -1.0);
  } else {
    rest.add(of_row(row), -1.0);
  }
  if (answers_back_)  // the catalogue's sums are known from single-precision means
    for (double* sum : {&rest.ratio, &rest.timed, &rest.clicks, &rest.likes, &rest.rows}) *sum = std::max(*sum, 0.0);
  return rest;
}

void LeftOut::apply(std::size_t row, float* user, float* video, float* derived) const noexcept {
  const Log& log = data_.log;
  if (nothing_ || log.date[row] > until_) return;
  const double ratio = log_.ratio / std::max(log_.timed, 1.0), clicks = log_.clicks / log_.rows;
  if (!users_stay_) {
    const Sums u = without(users_, index_of(log.user[row]), row);
    user[kUserRows] = std::log1p(static_cast<float>(u.rows)) / 8.0F;
    user[kUserMeanRatio] = mean_of_rest(u.ratio, u.timed, ratio, kUserShrinkage);
    user[kUserClickRate] = mean_of_rest(u.clicks, u.rows, clicks, kUserShrinkage);
  }
  const Sums v = without(videos_, index_of(log.video[row]), row);
  video[kVideoExposures] = std::log1p(static_cast<float>(v.rows)) / 10.0F;
  video[kVideoMeanRatio] = mean_of_rest(v.ratio, v.timed, ratio, kShrinkage);
  video[kVideoClickRate] = mean_of_rest(v.clicks, v.rows, clicks, kShrinkage);
  video[kVideoLikeRate] = 10.0F * mean_of_rest(v.likes, v.rows, log_.likes / log_.rows, kShrinkage);
  derive_item(video, derived);
}

}  // namespace swipegym
