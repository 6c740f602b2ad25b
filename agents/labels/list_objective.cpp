#include "agents/labels/list_objective.h"

#include <algorithm>
#include <cmath>

#include "core/parallel_for.h"

namespace swipegym {

std::array<double, kPlatformObjectives> ListObjective::balanced(
    const std::array<double, kPlatformObjectives>& parts) const {
  double smallest = 0.0;
  for (std::size_t j = 0; j < parts.size(); ++j)
    if (config_.used[j] && parts[j] > 0.0) smallest = smallest > 0.0 ? std::min(smallest, parts[j]) : parts[j];
  double unit = 1.0;
  for (int i = 0; i < 6 && smallest > 0.0 && smallest * unit < 1.0; ++i) unit *= 10.0;
  std::array<double, kPlatformObjectives> weights{};
  double top = -1e300, sum = 0.0;
  for (std::size_t j = 0; j < parts.size(); ++j)
    if (config_.used[j]) top = std::max(top, -config_.balance * unit * parts[j]);
  for (std::size_t j = 0; j < parts.size(); ++j)
    if (config_.used[j]) sum += weights[j] = std::exp(-config_.balance * unit * parts[j] - top);
  for (double& weight : weights) weight /= sum > 0.0 ? sum : 1.0;
  return weights;
}

ListObjective::Value ListObjective::evaluate(const ListRows& rows, std::span<const double> scores,
                                             std::span<double> d_scores, int threads,
                                             const std::array<double, kPlatformObjectives>* given) const {
  const std::size_t users = rows.users.size();
  const auto k = static_cast<double>(config_.top.k);
  std::vector<std::array<double, kPlatformObjectives>> parts(users);
  std::vector<double> mean_duration(users);
  std::vector<SoftTopK> tops(users, SoftTopK(config_.top));
  parallel_for(users, threads, [&](std::size_t u, int) {
    const RowRange own = rows.users[u];
    tops[u].forward(scores.subspan(own.begin, own.end - own.begin));
    const auto alpha = tops[u].alpha();
    std::array<double, kPlatformObjectives> sums{};
    for (std::uint32_t i = own.begin; i < own.end; ++i) {
      const double share = alpha[i - own.begin] / k;
      sums[kWatchObjective] += share * rows.watch[i];
      sums[kFeedbackObjective] += share * rows.feedback[i];
      mean_duration[u] += share * rows.duration[i];
    }
    double variance = 0.0;
    for (std::uint32_t i = own.begin; i < own.end; ++i) {
      const double apart = rows.duration[i] - mean_duration[u];
      variance += alpha[i - own.begin] / k * apart * apart;
    }
    sums[kDurationObjective] = std::sqrt(variance);
    parts[u] = sums;
  });

  Value value;
  for (const auto& user : parts)
    for (std::size_t j = 0; j < kPlatformObjectives; ++j) value.parts[j] += user[j] / static_cast<double>(users);
  value.weights = given != nullptr ? *given : balanced(value.parts);
  for (std::size_t j = 0; j < kPlatformObjectives; ++j) value.total += value.weights[j] * value.parts[j];
  if (d_scores.empty()) return value;

  parallel_for(users, threads, [&](std::size_t u, int) {
    const RowRange own = rows.users[u];
    std::vector<double> d_alpha(own.end - own.begin);
    const double spread = std::max(parts[u][kDurationObjective], 1e-9);
    for (std::uint32_t i = own.begin; i < own.end; ++i) {
      // E moves with alpha too, but the sum of a_i (duration_i - E) is 0, so it does not count.
      const double apart = rows.duration[i] - mean_duration[u];
      d_alpha[i - own.begin] =
          (value.weights[kWatchObjective] * rows.watch[i] + value.weights[kFeedbackObjective] * rows.feedback[i] +
           value.weights[kDurationObjective] * apart * apart / (2.0 * spread)) /
          (k * static_cast<double>(users));
    }
    tops[u].backward(d_alpha, d_scores.subspan(own.begin, own.end - own.begin));
  });
  return value;
}

}  // namespace swipegym
