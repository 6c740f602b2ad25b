#include "core/special_functions.h"

#include <algorithm>
#include <cmath>

namespace swipegym {

double digamma(double x) noexcept {
  double sum = 0.0;
  for (; x < 10.0; x += 1.0) sum -= 1.0 / x;
  const double inverse = 1.0 / x, square = inverse * inverse;
  const double series = 1.0 / 12 - square * (1.0 / 120 - square * (1.0 / 252 - square * (1.0 / 240 - square / 132)));
  return sum + std::log(x) - 0.5 * inverse - square * series;
}

double trigamma(double x) noexcept {
  double sum = 0.0;
  for (; x < 10.0; x += 1.0) sum += 1.0 / (x * x);
  const double inverse = 1.0 / x, square = inverse * inverse;
  const double series = 1.0 / 6 - square * (1.0 / 30 - square * (1.0 / 42 - square * (1.0 / 30 - square * (5.0 / 66))));
  return sum + inverse * (1.0 + 0.5 * inverse + square * series);
}

namespace {

double log_beta(double a, double b) noexcept {
  return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
}

// The continued fraction of the incomplete beta function, which converges in O(sqrt(max(a, b))) terms for
// x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) noexcept {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1.0, d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0)), fraction = d;
  for (int m = 1; m < 20'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1.0 / away_from_zero(1.0 + even * d), c = away_from_zero(1.0 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1.0 / away_from_zero(1.0 + odd * d), c = away_from_zero(1.0 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1.0) < 1e-15) break;
  }
  return fraction;
}

}  // namespace

double beta_cdf(double a, double b, double x) noexcept {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) - log_beta(a, b));
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

double beta_quantile(double a, double b, double level) noexcept {
  if (level <= 0.0) return 0.0;
  if (level >= 1.0) return 1.0;
  const double scale = log_beta(a, b);
  double low = 0.0, high = 1.0, x = a / (a + b);
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double error = beta_cdf(a, b, x) - level;
    (error < 0.0 ? low : high) = x;
    const double slope = std::exp((a - 1.0) * std::log(x) + (b - 1.0) * std::log1p(-x) - scale);
    double next = x - error / slope;
    if (!(next > low && next < high)) next = 0.5 * (low + high);  // also where the slope is 0 or no number
    if (std::abs(next - x) <= 1e-13 * x) return next;
    x = next;
  }
  return x;
}

}  // namespace swipegym
