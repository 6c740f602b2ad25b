#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/random_draws.h"
#include "core/random_words.h"
#include "tests/draw_laws.h"

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
  CHECK(test::smirnov(first, normal) < 1.95);
  CHECK(test::smirnov(second, normal) < 1.95);
  CHECK(std::abs(product) / std::sqrt(static_cast<double>(kDrawn)) < 4.0);
}

TEST_CASE("gamma draws have the law and the moments of their shape", "[core]") {
  const auto gamma = [](double shape) {
    return draw_streams(6, [shape](RandomStream& random) { return draw_gamma(random, shape); });
  };
  CHECK(test::smirnov(gamma(1.0), [](double x) { return 1.0 - std::exp(-x); }) < 1.95);
  CHECK(test::smirnov(gamma(0.5), [](double x) { return std::erf(std::sqrt(x)); }) < 1.95);
  CHECK(test::smirnov(gamma(3.0), [](double x) { return 1.0 - std::exp(-x) * (1.0 + x + x * x / 2.0); }) < 1.95);
  for (const double shape : {0.05, 0.7, 1.3, 4.62, 80.0, 5e4}) {
    CAPTURE(shape);
    CHECK(test::mean_z(gamma(shape), shape, std::sqrt(shape)) < 4.0);
  }
}

TEST_CASE("beta draws have the law and the moments of their shapes", "[core]") {
  for (const auto& [a, b] : test::kBetaShapes) {
    CAPTURE(a, b);
    test::check_beta_law(draw_streams(7, [a = a, b = b](RandomStream& random) { return draw_beta(random, a, b); }), a,
                         b);
  }
}

TEST_CASE("tiny shapes keep their ratio: a draw is 0 or 1, with the mean's probability", "[core]") {
  const auto values = draw_streams(8, [](RandomStream& random) { return draw_beta(random, 1e-6, 3e-6); });
  // The logarithm of the odds is within 20.7 with probability 41 a b / (a + b), which makes .6 of all draws.
  CHECK(std::count_if(values.begin(), values.end(), [](double x) { return x > 1e-9 && x < 1.0 - 1e-9; }) <= 6);
  CHECK(test::mean_z(values, 0.25, std::sqrt(0.1875)) < 4.0);
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
