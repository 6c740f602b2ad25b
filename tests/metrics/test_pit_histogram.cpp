#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "evaluation/metrics/pit_histogram.h"

using namespace swipegym;

namespace {

// The quantiles of a law that is 0 with probability `atom`, else uniform on (0, width].
std::array<float, kQuantiles> atom_and_uniform(double atom, double width = 1.0) {
  std::array<float, kQuantiles> q{};
  for (std::size_t i = 0; i < kQuantiles; ++i)
    q[i] = static_cast<float>(std::max(0.0, (quantile_level(i) - atom) / (1.0 - atom)) * width);
  return q;
}

// Of observations that follow atom_and_uniform(.3), one a user.
std::vector<Interval> shares_of(const std::array<float, kQuantiles>& predicted) {
  PitHistogram histogram;
  RandomStream draw(make_key(3));
  for (std::uint32_t user = 0; user < 20000; ++user)
    histogram.add(user, predicted, std::max(0.0, (draw.uniform_double() - 0.3) / 0.7));
  return histogram.shares();
}

}  // namespace

TEST_CASE("the histogram of a calibrated prediction is flat, atom and all", "[metrics]") {
  const std::vector<Interval> shares = shares_of(atom_and_uniform(0.3));
  REQUIRE(shares.size() == PitHistogram::kBins);
  double sum = 0.0;
  for (const Interval& share : shares) {
    // 20,000 rows: a standard error of .0015; the atom's end is known to half a percent, a tenth of a bin.
    CHECK(share.mean == Approx(0.05).margin(0.006));
    CHECK(share.low < share.mean);
    CHECK(share.high > share.mean);
    sum += share.mean;
  }
  CHECK(sum == Approx(1.0).margin(1e-5));
}

TEST_CASE("the histogram shows in which way a prediction is wrong", "[metrics]") {
  // Half as wide as life: what lies beyond falls into the last bin.
  CHECK(shares_of(atom_and_uniform(0.3, 0.5)).back().low > 0.3);
  // Twice as wide: the upper half of the predictions, (1 - .3) / 2, sees nothing.
  const std::vector<Interval> wide = shares_of(atom_and_uniform(0.3, 2.0));
  for (std::size_t bin = 14; bin < PitHistogram::kBins; ++bin) CHECK(wide[bin].mean == 0.0);
}

TEST_CASE("a row is spread over what is known of its probability", "[metrics]") {
  PitHistogram between, atom;
  between.add(0, atom_and_uniform(0.0), 0.123);  // between the quantiles of levels .12 and .13
  CHECK(between.shares()[2].mean == Approx(1.0).margin(1e-5));
  atom.add(0, atom_and_uniform(0.2001), 0.0);  // up to a fifth
  for (const std::size_t bin : {0U, 1U, 2U, 3U}) CHECK(atom.shares()[bin].mean == Approx(0.25).margin(0.01));
  PitHistogram cut(0.5F);
  cut.add(0, atom_and_uniform(0.0), 0.9);  // all from .5 on is one
  CHECK(cut.shares()[15].mean == Approx(0.1).margin(0.005));
  CHECK(PitHistogram().shares().empty());
  CHECK_THROWS_AS(cut.add(0, atom_and_uniform(0.0), NAN), InputError);
}
