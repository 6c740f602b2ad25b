#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "evaluation/metrics/binary_score.h"

using namespace swipegym;

using Labels = std::vector<std::uint8_t>;
using Scores = std::vector<float>;

TEST_CASE("equal values share their mean rank", "[metrics]") {
  CHECK(mid_ranks(Scores{3, 1, 3, 2}) == std::vector<double>{3.5, 1, 3.5, 2});
}

TEST_CASE("AUC counts ordered pairs, ties half", "[metrics]") {
  CHECK(auc(Scores{.1F, .2F, .8F, .9F}, Labels{0, 0, 1, 1}) == 1.0);
  CHECK(auc(Scores{.1F, .4F, .35F, .8F}, Labels{0, 0, 1, 1}) == 0.75);
  CHECK(auc(Scores{.5F, .5F, .5F, .5F}, Labels{0, 1, 1, 0}) == 0.5);
  CHECK(auc(Scores{.2F, .2F, .9F}, Labels{0, 1, 1}) == 0.75);
  CHECK(std::isnan(auc(Scores{.2F, .3F}, Labels{1, 1})));
}

TEST_CASE("GAUC weighs users by their rows and skips users with one class", "[metrics]") {
  //                                        user 7: perfect        user 2: reversed, 2 rows   user 5: one class
  const std::vector<std::uint32_t> user = {7, 2, 7, 5, 7, 2, 7, 5};
  const Scores score = {.1F, .9F, .2F, .5F, .8F, .1F, .9F, .6F};
  const Labels label = {0, 0, 0, 1, 1, 1, 1, 1};
  CHECK(gauc(user, score, label) == Approx((4 * 1.0 + 2 * 0.0) / 6));
  CHECK(std::isnan(gauc(std::vector<std::uint32_t>{1, 2}, Scores{.1F, .2F}, Labels{0, 1})));
}

TEST_CASE("log loss is the mean surprise and survives certainty", "[metrics]") {
  CHECK(log_loss(Scores{.5F, .5F}, Labels{0, 1}) == Approx(std::log(2.0)));
  CHECK(log_loss(Scores{1.0F}, Labels{0}) == Approx(-std::log(1e-7)).epsilon(1e-6));
}

TEST_CASE("calibration error is zero for calibrated bins and the bias for a constant one", "[metrics]") {
  Scores probability;
  Labels label;
  for (int i = 0; i < 1500; ++i) {
    const int bin = i / 100;  // 15 bins of 100 rows with probability bin/20, exactly that share positive
    probability.push_back(static_cast<float>(bin) / 20.0F);
    label.push_back(i % 100 < bin * 5);
  }
  CHECK(expected_calibration_error(probability, label) == Approx(0.0).margin(1e-6));
  for (float& p : probability) p += 0.1F;
  CHECK(expected_calibration_error(probability, label) == Approx(0.1).margin(1e-6));
}

TEST_CASE("bins of calibration error are cut as evenly as rows allow", "[metrics]") {
  // 4 rows in 3 bins: {0, 1}, {2}, {3}; differences .5 - .2, 0 - .3, 1 - .4.
  const double expected = (std::abs(1.0 - 0.3) + 0.3 + 0.6) / 4;
  CHECK(expected_calibration_error(Scores{.1F, .2F, .3F, .4F}, Labels{1, 0, 0, 1}, 3) == Approx(expected));
}

TEST_CASE("bins of a reliability diagram hold equally many rows and what came of them", "[metrics]") {
  std::vector<std::uint32_t> users;
  std::vector<float> probability;
  std::vector<std::uint8_t> label;
  for (std::uint32_t i = 0; i < 103; ++i) {  // falling, so that sorting matters; the lowest ones never happen
    users.push_back(i);
    probability.push_back(static_cast<float>(103 - i) / 104.0F);
    label.push_back(i < 50 ? 1 : 0);
  }
  const std::vector<ReliabilityBin> bins = reliability_bins(users, probability, label, 4);
  REQUIRE(bins.size() == 4);
  std::uint64_t rows = 0;
  double before = 0.0;
  for (const ReliabilityBin& bin : bins) {
    CHECK(bin.rows >= 25);
    CHECK(bin.expected > before);
    rows += bin.rows, before = bin.expected;
  }
  CHECK(rows == 103);
  CHECK(bins[0].expected == Approx(13.0 / 104.0));  // the mean of 1/104 to 25/104
  CHECK(bins[0].rate.mean == 0.0);
  CHECK(bins[0].rate.high > 0.0);
  CHECK(bins[1].rate.mean == 0.0);
  CHECK(bins[2].rate.mean == Approx(24.0 / 26.0));  // rows 52 to 77 from below; those from 54 on happened
  CHECK(bins[3].rate.mean == 1.0);
  CHECK(
      reliability_bins(std::span(users).first(3), std::span(probability).first(3), std::span(label).first(3)).size() ==
      3);
  CHECK(reliability_bins({}, {}, {}).empty());
}
