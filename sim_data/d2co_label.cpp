#include "sim_data/d2co_label.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/error.h"

namespace swipegym {

namespace {

constexpr int kMaxRounds = 500;
constexpr double kTolerance = 1e-3;    // of the mean log-likelihood, between two rounds
constexpr double kMinVariance = 1e-6;  // keeps a normal that sits on one value finite
constexpr std::uint64_t kMinRows = 3;  // of a duration that is fitted

std::int32_t round_s(std::int32_t ms) {
  return (ms + 500) / 1000;
}

struct Normal {
  double weight = 0.5, mean = 0.0, variance = 1.0;
  double log_density(double x) const {
    return std::log(weight) -
           0.5 * (std::log(2.0 * 3.14159265358979323846 * variance) + (x - mean) * (x - mean) / variance);
  }
};

// Two-means clusters of a histogram, begun from its ends; returns the border above which values belong to the upper
// one.
double two_means_border(std::span<const std::uint64_t> count, double low, double high) {
  double border = 0.5 * (low + high);
  for (int round = 0; round < kMaxRounds; ++round) {
    double sum[2] = {}, rows[2] = {};
    for (std::size_t i = 0; i < count.size(); ++i) {
      const int side = static_cast<double>(i) > border;
      rows[side] += static_cast<double>(count[i]);
      sum[side] += static_cast<double>(count[i]) * static_cast<double>(i);
    }
    const double moved = 0.5 * (sum[0] / rows[0] + sum[1] / rows[1]);
    if (moved == border) break;
    border = moved;
  }
  return border;
}

}  // namespace

TwoMeans fit_two_normals(std::span<const std::uint64_t> count) {
  std::size_t first = 0, last = count.size();
  while (first < last && count[first] == 0) ++first;
  while (last > first && count[last - 1] == 0) --last;
  if (first == last) return {};
  if (first + 1 == last) return {.low = static_cast<double>(first), .high = static_cast<double>(first)};
  const double border = two_means_border(count, static_cast<double>(first), static_cast<double>(last - 1));

  // Responsibilities of the upper normal, hard at the start.
  std::vector<double> upper(count.size());
  for (std::size_t i = 0; i < count.size(); ++i) upper[i] = static_cast<double>(i) > border ? 1.0 : 0.0;
  std::array<Normal, 2> normal;
  double before = -1e300;
  for (int round = 0; round < kMaxRounds; ++round) {
    for (const int k : {0, 1}) {
      double rows = 0.0, total = 0.0, sum = 0.0, squares = 0.0;
      for (std::size_t i = first; i < last; ++i) {
        const double weight = static_cast<double>(count[i]) * (k == 1 ? upper[i] : 1.0 - upper[i]);
        total += static_cast<double>(count[i]);
        rows += weight;
        sum += weight * static_cast<double>(i);
      }
      rows = std::max(rows, 1e-12);
      normal[k].mean = sum / rows;
      for (std::size_t i = first; i < last; ++i) {
        const double weight = static_cast<double>(count[i]) * (k == 1 ? upper[i] : 1.0 - upper[i]);
        const double off = static_cast<double>(i) - normal[k].mean;
        squares += weight * off * off;
      }
      normal[k].variance = squares / rows + kMinVariance;
      normal[k].weight = std::max(rows / total, 1e-300);
    }
    double likelihood = 0.0, total = 0.0;
    for (std::size_t i = first; i < last; ++i) {
      const double a = normal[0].log_density(static_cast<double>(i)), b = normal[1].log_density(static_cast<double>(i));
      const double most = std::max(a, b), sum = most + std::log(std::exp(a - most) + std::exp(b - most));
      upper[i] = std::exp(b - sum);
      likelihood += static_cast<double>(count[i]) * sum;
      total += static_cast<double>(count[i]);
    }
    likelihood /= total;
    if (std::fabs(likelihood - before) < kTolerance) break;
    before = likelihood;
  }
  return {.low = std::min(normal[0].mean, normal[1].mean), .high = std::max(normal[0].mean, normal[1].mean)};
}

D2CoLabel::D2CoLabel(const Log& log, std::span<const std::uint64_t> training_rows, const D2CoConfig& config)
    : alpha_(config.alpha) {
  if (config.window < 1 || !(config.alpha > 0.0F))
    throw InputError("D2Co: expected a window of at least 1 and an alpha above 0");
  std::map<std::int32_t, std::vector<std::uint64_t>> histogram;  // by duration: rows of each number of seconds watched
  for (const std::uint64_t row : training_rows) {
    const std::int32_t duration_s = round_s(log.duration_ms[row]);
    if (duration_s <= 0) continue;
    std::vector<std::uint64_t>& count = histogram[duration_s];
    count.resize(static_cast<std::size_t>(duration_s) + 1);
    ++count[static_cast<std::size_t>(std::min(round_s(log.play_ms[row]), duration_s))];
  }
  std::vector<double> rows, low, high;
  for (const auto& [duration_s, count] : histogram) {
    std::uint64_t total = 0;
    for (const std::uint64_t c : count) total += c;
    if (total < kMinRows) continue;
    const TwoMeans levels = fit_two_normals(count);
    duration_s_.push_back(duration_s);
    rows.push_back(static_cast<double>(total));
    low.push_back(levels.low);
    high.push_back(levels.high);
  }
  if (duration_s_.empty())
    throw InputError("D2Co: no duration has three training rows; train on more rows or use another label");
  for (std::size_t i = 0; i < duration_s_.size(); ++i) {
    double weight = 0.0, noise = 0.0, interest = 0.0;
    for (std::size_t j = 0; j < duration_s_.size(); ++j) {
      if (std::abs(duration_s_[j] - duration_s_[i]) >= config.window) continue;
      weight += rows[j];
      noise += rows[j] * low[j];
      interest += rows[j] * high[j];
    }
    noise_s_.push_back(static_cast<float>(noise / weight));
    interest_s_.push_back(static_cast<float>(interest / weight));
  }
}

std::size_t D2CoLabel::nearest(std::int32_t duration_ms) const noexcept {
  const std::int32_t wanted = round_s(duration_ms);
  const auto above = std::lower_bound(duration_s_.begin(), duration_s_.end(), wanted);
  if (above == duration_s_.begin()) return 0;
  const auto i = static_cast<std::size_t>(above - duration_s_.begin());
  if (above == duration_s_.end()) return i - 1;
  return duration_s_[i] - wanted < wanted - duration_s_[i - 1] ? i : i - 1;
}

float D2CoLabel::noise_s(std::int32_t duration_ms) const noexcept {
  return noise_s_[nearest(duration_ms)];
}
float D2CoLabel::interest_s(std::int32_t duration_ms) const noexcept {
  return interest_s_[nearest(duration_ms)];
}

float D2CoLabel::label(std::int32_t play_ms, std::int32_t duration_ms) const noexcept {
  const std::size_t i = nearest(duration_ms);
  const float watch_s = static_cast<float>(std::min(play_ms, duration_ms)) * 1e-3F;
  const float span = interest_s_[i] - noise_s_[i];
  if (span <= 0.0F) return watch_s > noise_s_[i] ? 1.0F : 0.0F;
  // (e^(a w) - e^(a low)) / (e^(a high) - e^(a low)), with e^(a low) taken out so that long videos do not overflow.
  const float far = alpha_ * (watch_s - noise_s_[i]), whole = alpha_ * span;
  if (far <= 0.0F) return 0.0F;
  if (far >= whole) return 1.0F;
  return std::exp(far - whole) * -std::expm1(-far) / -std::expm1(-whole);
}

}  // namespace swipegym
