#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/random.h"
#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// What each user adds to an estimate that is a sum of ratios: over k of (sum over users of top) / (sum of bottom).
struct RatioSums {
  std::size_t ratios = 1;
  std::vector<double> top, bottom;  // [users, ratios]
};

/// The 95 % interval of each estimate, all over the same users, by the studentised bootstrap over users
/// (Efron & Tibshirani, "An introduction to the bootstrap", 1993, 12.5): resampled are the errors in units of their own
/// standard errors, since weighted seconds are so skewed that percentiles of the estimate itself hold the truth in nine
/// cases of ten only. Estimates share their resamples. Bounds are NaN where fewer than two users or too few resamples
/// have a standard error. Throws InputError when the numbers of users differ or a sum is not finite.
std::vector<Interval> studentised_intervals(std::span<const RatioSums> estimates, RandomKey key,
                                            const BootstrapOptions& options = {});

}  // namespace swipegym
