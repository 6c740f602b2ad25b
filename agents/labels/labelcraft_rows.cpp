#include "agents/labels/labelcraft_rows.h"

#include <algorithm>
#include <cmath>

#include "evaluation/metrics/ranking.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

SecondsScale seconds_scale(std::vector<std::int32_t> milliseconds, const LabelCraftConfig& config) {
  SecondsScale scale{.share = config.scale_share};
  if (milliseconds.empty()) return scale;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = static_cast<std::size_t>(config.scale_quantile * static_cast<double>(milliseconds.size() - 1));
  scale.knee = std::max(1e-3, 1e-3 * milliseconds[at]);
  scale.longest = std::max(scale.knee + 1e-3, 1e-3 * milliseconds.back());
  return scale;
}

}  // namespace

double SecondsScale::operator()(double seconds) const noexcept {
  if (seconds <= knee) return seconds / knee * share;
  return 1.0 - (1.0 - share) * std::max(0.0, longest - seconds) / (longest - knee);
}

RowWorth::RowWorth(const Dataset& data, std::span<const std::uint32_t> training_rows, const LabelCraftConfig& config)
    : data_(data), scale_(config.scale), planted_low_s_(config.planted_low_s), planted_high_s_(config.planted_high_s) {
  std::vector<std::int32_t> watch, duration;
  for (const std::uint32_t row : training_rows) {
    watch.push_back(data.log.play_ms[row]);
    duration.push_back(data.log.duration_ms[row]);
  }
  watch_ = seconds_scale(std::move(watch), config);
  duration_ = seconds_scale(std::move(duration), config);
}

double RowWorth::watch(std::uint32_t row) const {
  const double seconds = 1e-3 * data_.log.play_ms[row];
  if (planted_high_s_ > 0.0) return seconds >= planted_low_s_ && seconds < planted_high_s_ ? 1.0 : 0.0;
  return scale_ ? watch_(seconds) : seconds;
}

double RowWorth::feedback(std::uint32_t row) const {
  return has_explicit_feedback(data_.log.signals[row]) ? 1.0 : 0.0;
}

double RowWorth::duration(std::uint32_t row) const {
  const double seconds = 1e-3 * data_.log.duration_ms[row];
  return scale_ ? duration_(seconds) : seconds;
}

std::vector<std::vector<std::uint32_t>> users_with_rows(const Log& log, std::span<const std::uint32_t> rows,
                                                        std::size_t k) {
  std::vector<std::vector<std::uint32_t>> users;
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && log.user[rows[end]] == log.user[rows[begin]]) ++end;
    if (end - begin > k)
      users.emplace_back(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                         rows.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return users;
}

std::array<double, kPlatformObjectives> platform_value(const Dataset& data,
                                                       std::span<const std::uint32_t> training_rows,
                                                       std::span<const std::uint32_t> rows,
                                                       std::span<const float> scores, const LabelCraftConfig& config) {
  const RowWorth worth(data, training_rows, config);
  std::vector<std::uint32_t> user(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) user[i] = index_of(data.log.user[rows[i]]);
  const RankedUsers ranked = rank_users(user, scores, config.k + 1);
  std::array<double, kPlatformObjectives> value{};
  const auto k = static_cast<double>(config.k), users = static_cast<double>(ranked.size());
  for (std::size_t u = 0; u < ranked.size(); ++u) {
    double mean = 0.0, variance = 0.0;
    for (const std::uint32_t i : ranked.rows_of(u).first(config.k)) {
      value[kWatchObjective] += worth.watch(rows[i]) / (k * users);
      value[kFeedbackObjective] += worth.feedback(rows[i]) / (k * users);
      mean += worth.duration(rows[i]) / k;
    }
    for (const std::uint32_t i : ranked.rows_of(u).first(config.k)) {
      const double apart = worth.duration(rows[i]) - mean;
      variance += apart * apart / k;
    }
    value[kDurationObjective] += std::sqrt(variance) / users;
  }
  return value;
}

}  // namespace swipegym
