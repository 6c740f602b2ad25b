#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "core/special_functions.h"

namespace swipegym {

TEST_CASE("digamma and trigamma have their known values, and are derivatives of ln Gamma", "[core]") {
  const double euler = std::numbers::egamma, pi = std::numbers::pi;
  CHECK(digamma(1.0) == Approx(-euler).epsilon(1e-12));
  CHECK(digamma(0.5) == Approx(-euler - 2.0 * std::log(2.0)).epsilon(1e-12));
  CHECK(digamma(101.0) == Approx(-euler + 5.187377517639621).epsilon(1e-12));  // the 100th harmonic number
  CHECK(trigamma(1.0) == Approx(pi * pi / 6.0).epsilon(1e-12));
  CHECK(trigamma(0.5) == Approx(pi * pi / 2.0).epsilon(1e-12));
  for (const double x : {0.01, 0.7, 4.62, 9.99, 10.01, 350.0}) {
    CAPTURE(x);
    const double h = 1e-4 * x;
    CHECK(digamma(x) == Approx((std::lgamma(x + h) - std::lgamma(x - h)) / (2.0 * h)).epsilon(1e-6));
    CHECK(trigamma(x) == Approx((digamma(x + h) - digamma(x - h)) / (2.0 * h)).epsilon(1e-6));
    CHECK(digamma(x + 1.0) - digamma(x) == Approx(1.0 / x).epsilon(1e-10));
  }
}

TEST_CASE("the beta law's distribution has its closed forms, and its quantile is the inverse", "[core]") {
  for (const double x : {0.001, 0.2, 0.5, 0.9, 0.9999}) {
    CAPTURE(x);
    CHECK(beta_cdf(1.0, 1.0, x) == Approx(x).epsilon(1e-12));
    CHECK(beta_cdf(3.0, 1.0, x) == Approx(x * x * x).epsilon(1e-12));
    CHECK(beta_cdf(0.5, 0.5, x) == Approx(2.0 / std::numbers::pi * std::asin(std::sqrt(x))).epsilon(1e-12));
    CHECK(beta_cdf(2.0, 3.0, x) == Approx(x * x * (6.0 - 8.0 * x + 3.0 * x * x)).epsilon(1e-12));
    CHECK(beta_cdf(4.62, 8.46, x) + beta_cdf(8.46, 4.62, 1.0 - x) == Approx(1.0).epsilon(1e-12));
  }
  CHECK(beta_cdf(2.0, 3.0, -1.0) == 0.0);
  CHECK(beta_cdf(2.0, 3.0, 2.0) == 1.0);
  for (const double level : {1e-6, 0.05, 0.5, 0.95, 0.999})
    for (const double a : {0.3, 1.0, 4.62, 500.0})
      for (const double b : {0.6, 8.46, 20'000.0}) {
        CAPTURE(level, a, b);
        const double x = beta_quantile(a, b, level);
        CHECK(beta_cdf(a, b, x) == Approx(level).epsilon(1e-8).margin(1e-12));
      }
  CHECK(beta_quantile(2.0, 3.0, 0.0) == 0.0);
  CHECK(beta_quantile(2.0, 3.0, 1.0) == 1.0);
}

}  // namespace swipegym
