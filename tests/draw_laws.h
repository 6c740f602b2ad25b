#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <utility>
#include <vector>

#include "core/special_functions.h"

namespace swipegym::test {

// Kolmogorov & Smirnov's distance times sqrt(n): above 1.95 with probability .001 when the law is `cdf`.
template <class Cdf>
double smirnov(std::vector<double> values, const Cdf& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(values[i]);
    distance = std::max({distance, static_cast<double>(i + 1) / n - p, p - static_cast<double>(i) / n});
  }
  return distance * std::sqrt(n);
}

// Distance of the sample's mean from `mean`, in standard errors.
inline double mean_z(const std::vector<double>& values, double mean, double deviation) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  const auto n = static_cast<double>(values.size());
  return std::abs(sum / n - mean) / (deviation / std::sqrt(n));
}

/// Above, at and below 1, alone and together.
inline constexpr std::pair<double, double> kBetaShapes[] = {{4.62, 8.46}, {1.0, 1.0},    {0.5, 0.5},      {0.02, 0.3},
                                                            {3.0, 0.4},   {250.0, 12.0}, {40.0, 90'000.0}};

/// That values are of Beta(a, b): their range, first two moments and law.
inline void check_beta_law(const std::vector<double>& values, double a, double b) {
  CHECK(*std::min_element(values.begin(), values.end()) >= 0.0);
  CHECK(*std::max_element(values.begin(), values.end()) <= 1.0);
  const double mean = a / (a + b), deviation = std::sqrt(mean * (1.0 - mean) / (a + b + 1.0));
  CHECK(mean_z(values, mean, deviation) < 4.0);
  std::vector<double> squares;
  for (const double value : values) squares.push_back(value * value);
  const double second = mean * (a + 1.0) / (a + b + 1.0);
  const double fourth = second * (a + 2.0) * (a + 3.0) / ((a + b + 2.0) * (a + b + 3.0));
  CHECK(mean_z(squares, second, std::sqrt(fourth - second * second)) < 4.0);
  CHECK(smirnov(values, [&](double x) { return beta_cdf(a, b, x); }) < 1.95);
}

}  // namespace swipegym::test
