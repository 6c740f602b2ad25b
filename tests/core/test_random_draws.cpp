#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/random_draws.h"
#include "core/random_words.h"
#include "core/special_functions.h"

namespace swipegym {
namespace {

constexpr int kDrawn = 20'000;

// Draw i comes from stream i of one key, as arms' draws do.
template <class Draw>
std::vector<double> draw_streams(std::uint64_t seed, const Draw& draw) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < kDrawn; ++i) {
    RandomStream random(make_key(seed), i);
    values.push_back(draw(random));
  }
  return values;
}

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
double mean_z(const std::vector<double>& values, double mean, double deviation) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  const auto n = static_cast<double>(values.size());
  return std::abs(sum / n - mean) / (deviation / std::sqrt(n));
}

}  // namespace

TEST_CASE("normal draws have a normal law, and the two of a pair are independent", "[core]") {
  std::vector<double> first, second;
  double product = 0.0;
  for (std::uint32_t i = 0; i < kDrawn; ++i) {
    RandomStream random(make_key(5), i);
    const auto pair = draw_normal_pair(random);
    first.push_back(pair[0]), second.push_back(pair[1]), product += pair[0] * pair[1];
  }
  const auto normal = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  CHECK(smirnov(first, normal) < 1.95);
  CHECK(smirnov(second, normal) < 1.95);
  CHECK(std::abs(product) / std::sqrt(static_cast<double>(kDrawn)) < 4.0);
}

TEST_CASE("gamma draws have the law and the moments of their shape", "[core]") {
  const auto gamma = [](double shape) {
    return draw_streams(6, [shape](RandomStream& random) { return draw_gamma(random, shape); });
  };
  CHECK(smirnov(gamma(1.0), [](double x) { return 1.0 - std::exp(-x); }) < 1.95);
  CHECK(smirnov(gamma(0.5), [](double x) { return std::erf(std::sqrt(x)); }) < 1.95);
  CHECK(smirnov(gamma(3.0), [](double x) { return 1.0 - std::exp(-x) * (1.0 + x + x * x / 2.0); }) < 1.95);
  for (const double shape : {0.05, 0.7, 1.3, 4.62, 80.0, 5e4}) {
    CAPTURE(shape);
    CHECK(mean_z(gamma(shape), shape, std::sqrt(shape)) < 4.0);
  }
}

TEST_CASE("beta draws have the law and the moments of their shapes", "[core]") {
  struct Shapes {
    double a, b;
  };
  for (const Shapes& s : {Shapes{4.62, 8.46}, {1.0, 1.0}, {0.5, 0.5}, {0.02, 0.3}, {3.0, 0.4}, {250.0, 12.0}}) {
    CAPTURE(s.a, s.b);
    const auto values = draw_streams(7, [&](RandomStream& random) { return draw_beta(random, s.a, s.b); });
    CHECK(*std::min_element(values.begin(), values.end()) >= 0.0);
    CHECK(*std::max_element(values.begin(), values.end()) <= 1.0);
    const double mean = s.a / (s.a + s.b), deviation = std::sqrt(mean * (1.0 - mean) / (s.a + s.b + 1.0));
    CHECK(mean_z(values, mean, deviation) < 4.0);
    std::vector<double> squares;
    for (const double value : values) squares.push_back(value * value);
    const double second = mean * (s.a + 1.0) / (s.a + s.b + 1.0);
    const double fourth = second * (s.a + 2.0) * (s.a + 3.0) / ((s.a + s.b + 2.0) * (s.a + s.b + 3.0));
    CHECK(mean_z(squares, second, std::sqrt(fourth - second * second)) < 4.0);
    CHECK(smirnov(values, [&](double x) { return beta_cdf(s.a, s.b, x); }) < 1.95);
  }
}

TEST_CASE("tiny shapes keep their ratio: a draw is 0 or 1, with the mean's probability", "[core]") {
  const auto values = draw_streams(8, [](RandomStream& random) { return draw_beta(random, 1e-6, 3e-6); });
  // The logarithm of the odds is within 20.7 with probability 41 a b / (a + b), which makes .6 of all draws.
  CHECK(std::count_if(values.begin(), values.end(), [](double x) { return x > 1e-9 && x < 1.0 - 1e-9; }) <= 6);
  CHECK(mean_z(values, 0.25, std::sqrt(0.1875)) < 4.0);
}

TEST_CASE("a draw is the same from the same key, and from words made in bulk", "[core]") {
  for (std::uint32_t i = 0; i < 200; ++i) {
    RandomStream one(make_key(9), i), again(make_key(9), i);
    BulkRandomStream bulk(make_key(9), i);
    const double drawn = draw_beta(one, 0.3 + i, 2.0);
    REQUIRE(drawn == draw_beta(again, 0.3 + i, 2.0));
    REQUIRE(drawn == draw_beta(bulk, 0.3 + i, 2.0));
  }
}

}  // namespace swipegym
