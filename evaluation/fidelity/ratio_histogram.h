#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// Where the bins of the watch ratio begin: fine where most views end, a bin of its own around the whole video. The
/// last one has no upper edge.
inline constexpr std::array<float, 12> kRatioBins = {0.0F, 0.02F, 0.05F, 0.1F,  0.2F, 0.4F,
                                                     0.6F, 0.8F,  0.95F, 1.05F, 1.5F, 2.0F};

/// How much of a video is watched, among videos of about the same duration.
struct RatioHistogram {
  double from_s = 0.0, to_s = 0.0;  // durations
  std::uint64_t rows = 0;
  std::array<Interval, kRatioBins.size()> real;   // share of rows in each bin, clustered by user
  std::array<double, kRatioBins.size()> drawn{};  // the same of one draw a row
};

/// A judged row: what was watched of it in life and in a draw.
struct RatioRow {
  std::uint32_t user = 0;  // dense
  float duration_s = 0.0F, real = 0.0F, drawn = 0.0F;
};

/// The rows in the order of their durations, cut into groups of about equally many: ten, or fewer so that each has 200
/// rows. Rows of one duration stay together.
std::vector<RatioHistogram> ratio_histograms(std::vector<RatioRow> rows);

}  // namespace swipegym
