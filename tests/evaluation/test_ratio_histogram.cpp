#include <catch2/catch.hpp>

#include "evaluation/fidelity/ratio_histogram.h"

using namespace swipegym;

TEST_CASE("ratios are counted by duration, life beside what was drawn", "[evaluation]") {
  // 1,000 rows: five groups of 200. Short videos are seen to the end in life, and drawn as half seen; long ones at once
  // left.
  std::vector<RatioRow> rows;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const bool is_short = i % 5 == 0;
    rows.push_back({.user = i,
                    .duration_s = is_short ? 10.0F : 20.0F + static_cast<float>(i),
                    .real = is_short ? 1.0F : 0.01F,
                    .drawn = is_short ? 0.5F : 7.0F});
  }
  const std::vector<RatioHistogram> groups = ratio_histograms(rows);
  REQUIRE(groups.size() == 5);
  CHECK(groups[0].from_s == 10.0);
  CHECK(groups[0].to_s == 10.0);
  std::uint64_t counted = 0;
  for (const RatioHistogram& group : groups) {
    double real = 0.0, drawn = 0.0;
    for (const Interval& share : group.real) real += share.mean;
    for (const double share : group.drawn) drawn += share;
    CHECK(real == Approx(1.0));
    CHECK(drawn == Approx(1.0));
    counted += group.rows;
  }
  CHECK(counted == 1000);
  CHECK(groups[0].real[8].mean == 1.0);  // .95 to 1.05
  CHECK(groups[0].drawn[5] == 1.0);      // .4 to .6
  CHECK(groups[4].real[0].mean == 1.0);
  CHECK(groups[4].drawn.back() == 1.0);
}

TEST_CASE("rows of one duration stay together, and few rows are one group", "[evaluation]") {
  std::vector<RatioRow> rows(900, RatioRow{.user = 0, .duration_s = 15.0F, .real = 0.5F, .drawn = 0.5F});
  CHECK(ratio_histograms(rows).size() == 1);
  rows.resize(3);
  CHECK(ratio_histograms(rows).size() == 1);
  CHECK(ratio_histograms({}).empty());
}
