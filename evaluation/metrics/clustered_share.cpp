#include "evaluation/metrics/clustered_share.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/validate.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

constexpr double kWilsonZ = 1.959963984540054;

Interval wilson(double share, double rows) {
  const double z2 = kWilsonZ * kWilsonZ, scale = 1.0 + z2 / rows;
  const double centre = (share + 0.5 * z2 / rows) / scale;
  const double half = kWilsonZ * std::sqrt(share * (1.0 - share) / rows + 0.25 * z2 / (rows * rows)) / scale;
  // Rounding must not put the share itself outside.
  return {share, std::clamp(centre - half, 0.0, share), std::clamp(centre + half, share, 1.0)};
}

}  // namespace

Interval clustered_share(std::span<const std::uint32_t> users, std::span<const float> values) {
  require_size("clustered_share: user", users.size(), values.size());
  require_between("clustered_share: value", values, 0.0F, 1.0F);
  if (values.empty()) return {kUndefined, kUndefined, kUndefined};
  const double rows = static_cast<double>(values.size());
  double sum = 0.0;
  for (const float value : values) sum += value;
  const double share = std::clamp(sum / rows, 0.0, 1.0);

  std::vector<double> excess(*std::max_element(users.begin(), users.end()) + std::size_t{1}, 0.0);
  std::vector<bool> met(excess.size(), false);
  for (std::size_t i = 0; i < values.size(); ++i) excess[users[i]] += values[i] - share, met[users[i]] = true;
  const auto clusters = static_cast<double>(std::count(met.begin(), met.end(), true));
  double squares = 0.0;
  for (const double one : excess) squares += one * one;
  if (clusters < 2.0 || squares == 0.0) return wilson(share, clusters);
  const double variance = squares * clusters / (clusters - 1.0) / (rows * rows);
  return wilson(share, std::clamp(share * (1.0 - share) / variance, 1.0, rows));
}

}  // namespace swipegym
