#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "core/random.h"
#include "evaluation/metrics/quantile_score.h"

using namespace swipegym;

namespace {

std::array<float, kQuantiles> uniform_quantiles() {
  std::array<float, kQuantiles> q{};
  for (std::size_t i = 0; i < kQuantiles; ++i) q[i] = static_cast<float>(quantile_level(i));
  return q;
}

double crps_of_row(const std::array<float, kQuantiles>& quantiles, double observed) {
  QuantileScore score;
  score.add(quantiles, observed);
  return score.crps();
}

}  // namespace

TEST_CASE("the score of a point forecast is its absolute error", "[metrics]") {
  std::array<float, kQuantiles> point{};
  point.fill(0.75F);
  // Levels average to 1/2, so twice the pinball loss is |y - q|.
  CHECK(crps_of_row(point, 1.0) == Approx(0.25));
  CHECK(crps_of_row(point, 0.5) == Approx(0.25));
}

TEST_CASE("the score of a uniform forecast matches the integral", "[metrics]") {
  // CRPS(U(0,1), y) = y^3/3 + (1-y)^3/3; the mean over 99 levels is 100/99 times their sum's step of 1/100.
  for (const double y : {0.0, 0.3, 0.5, 1.0})
    CHECK(crps_of_row(uniform_quantiles(), y) ==
          Approx((y * y * y + (1 - y) * (1 - y) * (1 - y)) / 3 * 100 / 99).margin(1e-4));
}

TEST_CASE("ratios beyond the cap are judged as the cap", "[metrics]") {
  std::array<float, kQuantiles> point{};
  point.fill(60.0F);
  CHECK(crps_of_row(point, 7.0) == 0.0);
}

TEST_CASE("coverage deviates by nothing for the truth and by its bias for a shifted forecast", "[metrics]") {
  QuantileScore truth, shifted;
  std::array<float, kQuantiles> low = uniform_quantiles();
  for (float& q : low) q -= 0.1F;
  for (int i = 0; i < 10000; ++i) {
    const double y = (i + 0.5) / 10000;
    truth.add(uniform_quantiles(), y);
    shifted.add(low, y);
  }
  CHECK(truth.pit_deviation() == Approx(0.0).margin(1e-4));
  CHECK(shifted.pit_deviation() == Approx(0.1).margin(1e-4));
}

TEST_CASE("an atom that carries its own mass is not a deviation", "[metrics]") {
  // 30 % zeros, the rest uniform: the first 30 quantiles are 0, and each of them covers 30 % of the rows.
  std::array<float, kQuantiles> q{};
  for (std::size_t i = 0; i < kQuantiles; ++i)
    q[i] = static_cast<float>(std::max(0.0, (quantile_level(i) - 0.3) / 0.7));
  QuantileScore score;
  for (int i = 0; i < 1000; ++i) score.add(q, std::max(0.0, ((i + 0.5) / 1000 - 0.3) / 0.7));
  CHECK(score.pit_deviation() < 1e-3);
}

TEST_CASE("sample quantiles interpolate between order statistics", "[metrics]") {
  const std::vector<float> values = {1, 2, 4, 8, 16};
  CHECK(sample_quantile(values, 0.5) == 4.0);
  CHECK(sample_quantile(values, 0.25) == 2.0);
  CHECK(sample_quantile(values, 0.9) == Approx(12.8));  // numpy.quantile([1,2,4,8,16], .9)
  CHECK(sample_quantile(values, 1.0) == 16.0);
}
