#include "evaluation/metrics/quantile_score.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/validate.h"

namespace swipegym {
namespace {

// Quantiles pass through text files; two values closer than this are the same.
constexpr double kSame = 1e-9;

void require_row(std::string_view metric, std::uint64_t row, Quantiles quantiles, double observed) {
  if (!std::isfinite(observed))
    detail::throw_invalid(fmt::format("{}: observed", metric), row, observed, "a finite number");
  bool all = true;  // without a branch a value: this is done for every row that is judged
  for (const float q : quantiles) all &= std::abs(q) <= std::numeric_limits<float>::max();
  if (!all) require_finite(fmt::format("{}: quantiles of row {}", metric, row), std::span<const float>(quantiles));
}

double pinball(double level, double difference) noexcept {
  return std::max(level * difference, (level - 1.0) * difference);
}

}  // namespace

void QuantileScore::add(Quantiles quantiles, double observed) {
  require_row("quantile score", rows_, quantiles, observed);
  const double y = std::min<double>(observed, cap_);
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    const double q = std::min(quantiles[i], cap_);
    pinball_ += pinball(quantile_level(i), y - q);
    below_[i] += y < q - kSame;
    at_most_[i] += y <= q + kSame;
  }
  ++rows_;
}

double QuantileScore::crps() const noexcept {
  if (rows_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return 2.0 * pinball_ / (static_cast<double>(rows_) * kQuantiles);
}

double QuantileScore::pit_deviation() const noexcept {
  if (rows_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double n = static_cast<double>(rows_);
  double worst = 0.0;
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    const double level = quantile_level(i);
    worst = std::max({worst, static_cast<double>(below_[i]) / n - level, level - static_cast<double>(at_most_[i]) / n});
  }
  return worst;
}

double sample_quantile(std::span<const float> ascending, double level) {
  require_that("sample_quantile", !ascending.empty(), "at least one value");
  require_between("sample_quantile: level", level, 0.0, 1.0);
  const double position = level * static_cast<double>(ascending.size() - 1);
  const auto lower = static_cast<std::size_t>(position);
  const std::size_t upper = std::min(lower + 1, ascending.size() - 1);
  require_finite("sample_quantile", ascending.subspan(lower, upper - lower + 1));
  const double share = position - static_cast<double>(lower);
  return ascending[lower] + share * (static_cast<double>(ascending[upper]) - ascending[lower]);
}

std::array<float, kQuantiles> sample_quantiles(std::span<const float> ascending) {
  require_finite("sample_quantiles", ascending);
  std::array<float, kQuantiles> out{};
  for (std::size_t i = 0; i < kQuantiles; ++i)
    out[i] = static_cast<float>(sample_quantile(ascending, quantile_level(i)));
  return out;
}

}  // namespace swipegym
