#include <catch2/catch.hpp>
#include <cmath>

#include "evaluation/metrics/sample_distance.h"

using namespace swipegym;

TEST_CASE("Wasserstein-1 is how far mass has to move", "[metrics]") {
  CHECK(wasserstein1({1, 2, 3}, {3, 1, 2}) == 0.0);
  CHECK(wasserstein1({0, 0, 0}, {2}) == Approx(2.0));
  CHECK(wasserstein1({0, 1, 3}, {5, 6, 8}) == Approx(5.0));
  CHECK(wasserstein1({0, 1}, {0, 0, 1, 4}) == Approx(0.75));  // a quarter of the mass moves from 1 to 4
  CHECK(std::isnan(wasserstein1({}, {1})));
}

TEST_CASE("Kendall's tau-b counts pairs and corrects for ties", "[metrics]") {
  const std::vector<double> order = {1, 2, 3, 4};
  CHECK(kendall_tau_b(order, std::vector<double>{10, 20, 30, 40}) == 1.0);
  CHECK(kendall_tau_b(order, std::vector<double>{4, 3, 2, 1}) == -1.0);
  CHECK(kendall_tau_b(order, std::vector<double>{1, 3, 2, 4}) == Approx(4.0 / 6.0));
  // 12 untied pairs agree less 3 that do not, with ties in both (scipy.stats.kendalltau, its documented example).
  CHECK(kendall_tau_b(std::vector<double>{12, 2, 1, 12, 2}, std::vector<double>{1, 4, 7, 1, 0}) ==
        Approx(-0.4714045208));
  CHECK(std::isnan(kendall_tau_b(order, std::vector<double>{1, 1, 1, 1})));
}

TEST_CASE("entropy is the logarithm of the number of equally common kinds", "[metrics]") {
  CHECK(entropy(std::vector<std::uint32_t>{5, 5, 0, 5, 5}) == Approx(std::log(4.0)));
  CHECK(entropy(std::vector<std::uint32_t>{9}) == 0.0);
  CHECK(entropy(std::vector<std::uint32_t>{}) == 0.0);
}

TEST_CASE("Gini is 0 for equal shares and 1 - 1/n for a monopoly", "[metrics]") {
  CHECK(gini({3, 3, 3}) == Approx(0.0).margin(1e-12));
  CHECK(gini({0, 8, 0, 0}) == Approx(0.75));
  CHECK(gini({1, 3}) == Approx(0.25));
}
