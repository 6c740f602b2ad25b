#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "evaluation/metrics/bootstrap.h"
#include "evaluation/metrics/quantile_score.h"

namespace swipegym {

/// The probability integral transform of observations by their predicted distributions, as a histogram: flat where the
/// predictions are calibrated, high at both ends where they are too narrow, in the middle where they are too wide.
/// Where a prediction has an atom at the observation, the row is spread evenly between P(ratio < y) and P(ratio <= y)
/// (Czado, Gneiting and Held, Biometrics 2009). Keeps twelve bytes a row.
class PitHistogram {
 public:
  static constexpr std::size_t kBins = 20;

  explicit PitHistogram(float cap = kJudgedRatioCap) noexcept : cap_(cap) {}

  /// A row of a user (dense). Both sides are clipped to the cap. InputError unless all is finite.
  void add(std::uint32_t user, Quantiles quantiles, double observed);

  /// The share of rows in [b / kBins, (b + 1) / kBins], clustered by user (clustered_share); empty without rows.
  std::vector<Interval> shares() const;

 private:
  float cap_;
  std::vector<std::uint32_t> user_;
  std::vector<float> below_, up_to_;  // P(ratio < y), P(ratio <= y)
};

}  // namespace swipegym
