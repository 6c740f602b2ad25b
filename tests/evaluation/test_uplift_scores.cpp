#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "evaluation/uplift/uplift_scores.h"
#include "policy/value_of_uplift.h"
#include "tests/evaluation/uplift_world.h"

namespace swipegym {

TEST_CASE("PEHE is the root of the mean squared error of tau", "[evaluation]") {
  const std::vector<double> tau = {1.0, 2.0, 3.0}, truth = {1.0, 0.0, 4.0};
  CHECK(pehe(tau, truth) == Approx(std::sqrt(5.0 / 3.0)));
  CHECK(std::isnan(pehe({}, {})));
  CHECK_THROWS_AS(pehe(tau, std::vector<double>{1.0}), InputError);
  CHECK_THROWS_AS(pehe(tau, std::vector<double>{1.0, NAN, 2.0}), InputError);
}

TEST_CASE("Qini by hand", "[evaluation]") {
  UpliftRows rows{.treated = {1, 0, 1, 0},
                  .propensity = {0.5, 0.5, 0.5, 0.5},
                  .outcome = {2.0, 1.0, 1.0, 1.0},
                  .creator = {1, 2, 3, 4}};
  const QiniCurve curve = qini_curve(rows, std::vector<double>{4.0, 3.0, 2.0, 1.0});
  // After one row 2, after two 2 - 1, after three 3 - 2, after all 3 - 2; over four rows.
  const std::vector<double> gain = {0.0, 0.5, 0.25, 0.25, 0.25};
  REQUIRE(curve.gain.size() == gain.size());
  for (std::size_t i = 0; i < gain.size(); ++i) CHECK(curve.gain[i] == Approx(gain[i]));
  CHECK(curve.share == std::vector<double>{0.0, 0.25, 0.5, 0.75, 1.0});
  CHECK(curve.area == Approx(0.25 * (0.25 + 0.375 + 0.25 + 0.25) - 0.125));
  const QiniCurve tied = qini_curve(rows, std::vector<double>{1.0, 1.0, 1.0, 1.0});
  CHECK(tied.share == std::vector<double>{0.0, 1.0});
  CHECK(tied.area == 0.0);
  CHECK(tied.coefficient == 0.0);

  // A head of a chance of .25 stands for three tails' worth of a head of .75.
  rows.propensity = {0.25, 0.75, 0.75, 0.25};
  const QiniCurve weighted = qini_curve(rows, std::vector<double>{4.0, 3.0, 2.0, 1.0});
  // Heads count 1.5 and .5, tails 3 and 1 in their own unit.
  CHECK(weighted.gain[1] == Approx(3.0 / 4.0));
  CHECK(weighted.gain[2] == Approx((3.0 - 3.0 * 1.5 / 3.0) / 4.0));
  CHECK(weighted.gain[4] == Approx((3.5 - 4.0 * 2.0 / 4.0) / 4.0));
}

TEST_CASE("an order by the truth is the best there is, and the reverse the worst", "[evaluation]") {
  const std::vector<double> truth = {0.5, -0.25, 0.125, 0.0}, twice = {1.0, -0.5, 0.25, 0.0};
  const std::vector<double> reverse = {-1.0, 3.0, 0.0, 1.0}, one(4, 0.7);
  CHECK(truth_qini(twice, truth) == Approx(1.0));
  CHECK(truth_qini(reverse, truth) == Approx(-1.0));
  CHECK(truth_qini(one, truth) == 0.0);
  CHECK(std::isnan(truth_qini(truth, one)));

  // Qini by rows agrees on which of two orders is better, where there are rows enough.
  const test::UpliftWorld world = test::make_uplift_world(21, {.creators = 2000});
  std::vector<double> wrong;
  for (const double tau : world.per_coin) wrong.push_back(-tau);
  CHECK(qini_curve(world.rows, world.per_coin).area > 0.0);
  CHECK(qini_curve(world.rows, wrong).area < 0.0);
}

TEST_CASE("calibration tells the line from tau to the truth", "[evaluation]") {
  std::vector<double> tau, truth;
  for (int i = 0; i < 100; ++i) {
    tau.push_back(((i * 37) % 100) / 50.0);
    truth.push_back(0.25 + 0.5 * tau.back());
  }
  const UpliftCalibration line = uplift_calibration(tau, truth);
  REQUIRE(line.tau.size() == 10);
  CHECK(line.tau[0] == Approx(0.09));  // of 0, .02, ..., .18
  CHECK(line.truth[9] == Approx(0.25 + 0.5 * 1.89));
  CHECK(line.slope == Approx(0.5));
  CHECK(line.intercept == Approx(0.25));
  const UpliftCalibration flat = uplift_calibration(std::vector<double>(100, 0.1), truth);
  CHECK(std::isnan(flat.slope));
  CHECK(uplift_calibration(std::vector<double>{1.0, 2.0}, std::vector<double>{2.0, 4.0}).tau.size() == 2);

  // The transformed outcome stands in for the truth where that is not known.
  const test::UpliftWorld world = test::make_uplift_world(22, {.creators = 4000});
  CHECK(uplift_calibration(world.per_coin, world.per_coin).slope == Approx(1.0));
  CHECK(uplift_calibration(world.per_coin, transformed_outcome(world.rows)).slope == Approx(1.0).margin(0.5));
}

TEST_CASE("one score for users, creators and advertisers", "[evaluation]") {
  // policy's own sum: watched or skipped, less what the creator would do anyway.
  const UpliftChances creator{.if_watched = 0.30, .if_skipped = 0.08, .watch = 0.4, .baseline = 0.10};
  const double uplift = impression_uplift(creator);
  CHECK(uplift == Approx(0.30 * 0.4 + 0.08 * 0.6 - 0.10));
  CHECK(value_of_uplift(12.0, 2.0, uplift, 50.0) == Approx(12.0 + 2.0 * uplift * 50.0));
  CHECK(value_of_uplift(12.0, 0.0, uplift, 50.0) == 12.0);
  // A skip that discourages makes an unlikely watch cost more than it brings.
  CHECK(impression_uplift({.if_watched = 0.30, .if_skipped = 0.08, .watch = 0.05, .baseline = 0.10}) < 0.0);

  // An ad that nobody misses when it is not clicked: P(click) * incremental utility.
  const UpliftChances ad{.if_watched = 0.05, .if_skipped = 0.01, .watch = 0.02, .baseline = 0.01};
  CHECK(value_of_uplift(0.0, 1.0, impression_uplift(ad), 80.0) == Approx(0.02 * (0.05 - 0.01) * 80.0));
}

}  // namespace swipegym
