#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim_data/log.h"

namespace swipegym {

struct D2CoConfig {
  int window = 3;      // T: levels are smoothed over the 2T - 1 durations around each
  float alpha = 0.3F;  // sensitivity of the label, > 0; towards 0 it becomes linear in the watch time
};

/// D2Co's label (Zhao et al., "Uncovering user interest from biased and noised watch time in video recommendation",
/// RecSys 2023): for each duration in whole seconds a mixture of two normals is fitted to the seconds watched; the
/// lower mean is what disinterest looks like, the upper one interest, and the label says how far a watch time lies on
/// the way.
class D2CoLabel {
 public:
  /// Uses the training rows with a known duration; throws InputError when no duration has three of them.
  D2CoLabel(const Log& log, std::span<const std::uint64_t> training_rows, const D2CoConfig& config = {});
  /// In [0, 1]. Durations that were not fitted take the levels of the nearest that was.
  float label(std::int32_t play_ms, std::int32_t duration_ms) const noexcept;
  /// The smoothed levels in seconds: watching without and with interest.
  float noise_s(std::int32_t duration_ms) const noexcept;
  float interest_s(std::int32_t duration_ms) const noexcept;

 private:
  std::size_t nearest(std::int32_t duration_ms) const noexcept;

  float alpha_;
  std::vector<std::int32_t> duration_s_;  // fitted durations, ascending
  std::vector<float> noise_s_, interest_s_;
};

/// Means of a mixture of two normals fitted by expectation maximisation to `count[i]` observations of the value i;
/// `low` <= `high`. Starts from two-means clusters; at most 500 rounds.
struct TwoMeans {
  double low = 0.0, high = 0.0;
};
TwoMeans fit_two_normals(std::span<const std::uint64_t> count);

}  // namespace swipegym
