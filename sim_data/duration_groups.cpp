#include "sim_data/duration_groups.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "sim_data/labels.h"

namespace swipegym {

namespace {

// Piecewise linear through (x, y), constant beyond its ends; x ascending, not empty.
float interpolate(const std::vector<float>& x, const std::vector<float>& y, float at) noexcept {
  const auto above = std::upper_bound(x.begin(), x.end(), at);
  if (above == x.begin()) return y.front();
  const auto i = static_cast<std::size_t>(above - x.begin());
  if (i == x.size()) return y.back();
  return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
}

}  // namespace

DurationGroups::DurationGroups(const Log& log, std::span<const std::uint64_t> training_rows,
                               const DurationGroupConfig& config) {
  if (config.groups == 0 || config.quantiles < 2)
    throw InputError("duration groups: expected at least 1 group and 2 quantiles");
  std::vector<std::pair<std::int32_t, float>> watched;  // duration, seconds
  for (const std::uint64_t row : training_rows)
    if (log.duration_ms[row] > 0)
      watched.emplace_back(log.duration_ms[row], truncated_watch_s(log.play_ms[row], log.duration_ms[row]));
  if (watched.empty()) throw InputError("duration groups: no training row has a known duration (duration_ms > 0)");
  std::sort(watched.begin(), watched.end());

  for (std::size_t begin = 0, cut = 1; begin < watched.size(); ++cut) {
    // The cut-th share of all rows, moved on to where the duration changes.
    std::size_t end = std::max(begin + 1, watched.size() * std::min(cut, config.groups) / config.groups);
    while (end < watched.size() && watched[end].first == watched[end - 1].first) ++end;
    if (cut >= config.groups) end = watched.size();
    Group group;
    group.last_duration_ms = watched[end - 1].first;
    group.rows = end - begin;
    const double n = static_cast<double>(end - begin);
    std::vector<float> watch(end - begin);
    for (std::size_t i = begin; i < end; ++i) watch[i - begin] = watched[i].second;
    for (const float w : watch) group.mean_s += w / n;
    double variance = 0.0;
    for (const float w : watch) variance += (w - group.mean_s) * (w - group.mean_s) / n;
    group.deviation_s = std::sqrt(variance);
    std::sort(watch.begin(), watch.end());
    // Distinct times at evenly spaced ranks, both ends included; mid-ranks of those kept are exact.
    const std::size_t points = std::min(config.quantiles, watch.size());
    for (std::size_t point = 0; point < points; ++point) {
      const float value = watch[points == 1 ? 0 : point * (watch.size() - 1) / (points - 1)];
      if (!group.watch_s.empty() && group.watch_s.back() == value) continue;
      const auto [low, high] = std::equal_range(watch.begin(), watch.end(), value);
      group.watch_s.push_back(value);
      group.share.push_back(static_cast<float>(
          (static_cast<double>(low - watch.begin()) + static_cast<double>(high - watch.begin())) / (2.0 * n)));
    }
    group_.push_back(std::move(group));
    begin = end;
  }
}

std::size_t DurationGroups::group_of(std::int32_t duration_ms) const noexcept {
  const auto group = std::lower_bound(group_.begin(), group_.end() - 1, duration_ms,
                                      [](const Group& g, auto duration) { return g.last_duration_ms < duration; });
  return static_cast<std::size_t>(group - group_.begin());
}

float DurationGroups::watch_time_gain(std::int32_t play_ms, std::int32_t duration_ms) const noexcept {
  const Group& group = group_[group_of(duration_ms)];
  if (group.deviation_s <= 0.0) return 0.0F;
  return static_cast<float>((truncated_watch_s(play_ms, duration_ms) - group.mean_s) / group.deviation_s);
}

float DurationGroups::quantile(std::int32_t play_ms, std::int32_t duration_ms) const noexcept {
  const Group& group = group_[group_of(duration_ms)];
  const float watch_s = truncated_watch_s(play_ms, duration_ms);
  if (watch_s < group.watch_s.front()) return 0.0F;
  if (watch_s > group.watch_s.back()) return 1.0F;
  return interpolate(group.watch_s, group.share, watch_s);
}

}  // namespace swipegym
