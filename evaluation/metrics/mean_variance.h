#pragma once

#include <cmath>
#include <cstdint>

#include "core/validate.h"

namespace swipegym {

/// Running mean and variance (Welford 1962). Stable for values with a large common offset.
class MeanVariance {
 public:
  /// InputError for a value that is not finite: one would make the mean of all others none.
  void add(double value) {
    if (!std::isfinite(value)) detail::throw_invalid("mean and variance: value", count_, value, "a finite number");
    ++count_;
    const double delta = value - mean_;
    mean_ += delta / static_cast<double>(count_);
    squares_ += delta * (value - mean_);
  }

  std::uint64_t count() const noexcept { return count_; }
  double mean() const noexcept { return mean_; }
  /// Unbiased (divided by n - 1); 0 below two values.
  double variance() const noexcept { return count_ < 2 ? 0.0 : squares_ / static_cast<double>(count_ - 1); }
  /// Of the mean; 0 below two values.
  double standard_error() const noexcept {
    return count_ < 2 ? 0.0 : std::sqrt(variance() / static_cast<double>(count_));
  }

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;  // sum of squared deviations from mean_
};

}  // namespace swipegym
