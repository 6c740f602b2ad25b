#include <catch2/catch.hpp>

#include "evaluation/metrics/mean_variance.h"

using namespace swipegym;

TEST_CASE("mean and variance keep their digits far from zero", "[metrics]") {
  MeanVariance running;
  for (const double value : {4.0, 7.0, 13.0, 16.0}) running.add(1e9 + value);
  CHECK(running.mean() == Approx(1e9 + 10.0).epsilon(1e-15));
  CHECK(running.variance() == Approx(30.0));  // the sum of squares form would return 0 or noise here
  CHECK(running.standard_error() == Approx(std::sqrt(7.5)));
}
