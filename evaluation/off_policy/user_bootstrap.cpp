#include "evaluation/off_policy/user_bootstrap.h"

#include <algorithm>
#include <cmath>

#include "core/parallel_for.h"
#include "core/validate.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

constexpr double kFewestResamples = 0.9;  // of them must have a standard error

struct WithError {
  double value = kUndefined, error = kUndefined;
};

// The estimate where user u counts times[u], and its standard error by the residuals of the ratios.
WithError value_and_error(const RatioSums& sums, std::span<const float> times) {
  const std::size_t ratios = sums.ratios;
  std::vector<double> top(ratios, 0.0), bottom(ratios, 0.0);
  double drawn = 0.0;
  for (std::size_t u = 0; u < times.size(); ++u) {
    if (times[u] == 0.0F) continue;
    drawn += times[u];
    for (std::size_t k = 0; k < ratios; ++k) {
      top[k] += times[u] * sums.top[u * ratios + k];
      bottom[k] += times[u] * sums.bottom[u * ratios + k];
    }
  }
  WithError out{.value = 0.0, .error = kUndefined};
  for (std::size_t k = 0; k < ratios; ++k) {
    if (!(bottom[k] > 0.0)) return {};
    out.value += top[k] /= bottom[k];
  }
  if (drawn < 2.0) return out;
  double squares = 0.0;
  for (std::size_t u = 0; u < times.size(); ++u) {
    if (times[u] == 0.0F) continue;
    double residual = 0.0;
    for (std::size_t k = 0; k < ratios; ++k)
      residual += (sums.top[u * ratios + k] - top[k] * sums.bottom[u * ratios + k]) / bottom[k];
    squares += times[u] * residual * residual;
  }
  out.error = std::sqrt(squares * drawn / (drawn - 1.0));
  return out;
}

Interval from_ratios(const WithError& own, std::vector<double> ratios) {
  if (!(own.error >= 0.0)) return {own.value, kUndefined, kUndefined};
  const auto wanted = static_cast<std::size_t>(kFewestResamples * static_cast<double>(ratios.size()));
  std::erase_if(ratios, [](double ratio) { return !std::isfinite(ratio); });
  if (own.error == 0.0) return {own.value, own.value, own.value};
  if (ratios.size() < wanted) return {own.value, kUndefined, kUndefined};
  const Interval middle = percentile_interval(0.0, std::move(ratios));
  // A resample that lies above the estimate tells of estimates that lie above the truth.
  return {own.value, own.value - middle.high * own.error, own.value - middle.low * own.error};
}

}  // namespace

std::vector<Interval> studentised_intervals(std::span<const RatioSums> estimates, RandomKey key,
                                            const BootstrapOptions& options) {
  if (estimates.empty()) return {};
  const std::size_t users = estimates[0].top.size() / estimates[0].ratios;
  for (const RatioSums& estimate : estimates) {
    require_size("studentised_intervals: top", estimate.top.size(), users * estimate.ratios);
    require_size("studentised_intervals: bottom", estimate.bottom.size(), estimate.top.size());
    require_finite("studentised_intervals: top", std::span(estimate.top));
    require_finite("studentised_intervals: bottom", std::span(estimate.bottom));
  }
  std::vector<WithError> own;
  const std::vector<float> once(users, 1.0F);
  for (const RatioSums& estimate : estimates) own.push_back(value_and_error(estimate, once));
  std::vector<std::vector<double>> ratio(estimates.size(), std::vector<double>(options.resamples));
  parallel_for(options.resamples, options.threads, [&](std::size_t resample, int) {
    std::vector<float> times(users, 0.0F);
    RandomStream random(split(key, resample));
    for (std::size_t i = 0; i < users; ++i) times[random.below(static_cast<std::uint32_t>(users))] += 1.0F;
    for (std::size_t e = 0; e < estimates.size(); ++e) {
      const WithError drawn = value_and_error(estimates[e], times);
      ratio[e][resample] = (drawn.value - own[e].value) / drawn.error;
    }
  });
  std::vector<Interval> out;
  for (std::size_t e = 0; e < estimates.size(); ++e) out.push_back(from_ratios(own[e], std::move(ratio[e])));
  return out;
}

}  // namespace swipegym
