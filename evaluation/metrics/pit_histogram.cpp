#include "evaluation/metrics/pit_histogram.h"

#include <algorithm>
#include <cmath>

#include "core/validate.h"
#include "evaluation/metrics/clustered_share.h"

namespace swipegym {
namespace {

constexpr float kSameRatio = 1e-6F;  // quantiles pass through text files

}  // namespace

void PitHistogram::add(std::uint32_t user, Quantiles quantiles, double observed) {
  require_that("PIT: observed", std::isfinite(observed), "a finite number");
  require_finite("PIT: quantile", std::span<const float>(quantiles));
  const float y = std::min(static_cast<float>(observed), cap_);
  std::size_t below = 0, at_most = 0;  // quantiles below y, and up to it
  for (const float quantile : quantiles) {
    const float q = std::min(quantile, cap_);
    below += q < y - kSameRatio;
    at_most += q <= y + kSameRatio;
  }
  // The probability lies between the levels of two quantiles. Nothing more is known, so a row between two is spread
  // over all of it; the two ends of an atom are put into the middle.
  const bool atom = at_most > below;
  const double from = atom && below > 0 ? static_cast<double>(below) + 0.5 : static_cast<double>(below);
  const double to = atom && at_most < kQuantiles ? static_cast<double>(at_most) + 0.5
                                                 : static_cast<double>(std::min(at_most + 1, kQuantiles + 1));
  user_.push_back(user);
  below_.push_back(static_cast<float>(from / 100.0));
  up_to_.push_back(static_cast<float>(to / 100.0));
}

std::vector<Interval> PitHistogram::shares() const {
  std::vector<Interval> out;
  if (user_.empty()) return out;
  std::vector<float> inside(user_.size());
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const float low = static_cast<float>(bin) / kBins, high = static_cast<float>(bin + 1) / kBins;
    for (std::size_t i = 0; i < user_.size(); ++i)
      inside[i] =
          std::clamp((std::min(high, up_to_[i]) - std::max(low, below_[i])) / (up_to_[i] - below_[i]), 0.0F, 1.0F);
    out.push_back(clustered_share(user_, inside));
  }
  return out;
}

}  // namespace swipegym
