#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace swipegym {

/// A predicted distribution is given by its quantiles at the levels .01, .02, ..., .99.
inline constexpr std::size_t kQuantiles = 99;
using Quantiles = std::span<const float, kQuantiles>;
constexpr double quantile_level(std::size_t i) noexcept {
  return static_cast<double>(i + 1) / 100.0;
}

/// Watch ratios are judged after clipping to this: a loop of sixty plays says no more than one of five.
inline constexpr float kJudgedRatioCap = 5.0F;

/// Scores predicted quantiles against observations, a row at a time, in constant memory. Sums are kept in double.
class QuantileScore {
 public:
  explicit QuantileScore(float cap = kJudgedRatioCap) noexcept : cap_(cap) {}

  void add(Quantiles quantiles, double observed);  // InputError unless all is finite

  std::uint64_t rows() const noexcept { return rows_; }
  /// Continuous ranked probability score, the mean over rows: twice the pinball loss averaged over levels (Gneiting and
  /// Raftery 2007, by the quantile decomposition), both sides clipped to `cap`. NaN without rows.
  double crps() const noexcept;
  /// Largest deviation of a quantile's coverage from its level. With atoms a quantile may cover more than its level
  /// when the mass sits exactly on it, so a level within [P(y < q), P(y <= q)] deviates by 0. NaN without rows.
  double pit_deviation() const noexcept;

 private:
  float cap_;
  std::uint64_t rows_ = 0;
  double pinball_ = 0.0;                             // summed over rows and levels
  std::array<std::uint64_t, kQuantiles> below_{};    // rows with y < q (by more than a rounding)
  std::array<std::uint64_t, kQuantiles> at_most_{};  // rows with y <= q (within a rounding)
};

/// The quantile of ascending values at `level` in [0, 1], linear between order statistics (numpy's default).
/// InputError without values, and where those beside the level are not finite.
double sample_quantile(std::span<const float> ascending, double level);

/// The 99 quantiles of ascending values.
std::array<float, kQuantiles> sample_quantiles(std::span<const float> ascending);

}  // namespace swipegym
