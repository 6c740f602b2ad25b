#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"

namespace swipegym {

/// A figure with its 95 % interval.
struct Interval {
  double mean = 0.0, low = 0.0, high = 0.0;
};

/// One figure measured over training seeds (rows) and sessions (columns), every seed on the same sessions:
/// sum(numerator) / sum(denominator). An empty denominator counts sessions, so the figure is a mean over them.
struct Measure {
  std::size_t seeds = 1;
  std::size_t items = 0;
  std::vector<float> numerator;    // [seeds, items], row-major
  std::vector<float> denominator;  // the same, or empty

  double value() const;   // over all seeds and items; NaN when the denominator sums to 0
  void validate() const;  // sizes fit and all is finite
};

struct BootstrapOptions {
  std::size_t resamples = 1000;
  int threads = 0;
};

/// The hierarchical bootstrap: every resample draws training seeds with replacement, the same for all measures of
/// equally many, and sessions with replacement, the same for all measures. So differences of two measures are paired on
/// common random numbers, and by seed where both have a network of each; where seeds have nothing in common the pairing
/// adds nothing and takes nothing. Returns [measures, resamples]. All measures must have the same number of items.
///
/// A handful of training seeds says little about their own spread: resampling T of them understates it by
/// sqrt((T - 1) / T), and percentiles treat it as known. The part of a resample that comes from the drawn seeds is
/// therefore widened by sqrt(T / (T - 1)) * t(.975, T - 1) / z(.975). With one seed it is absent, and the interval
/// speaks of sessions only.
std::vector<std::vector<double>> bootstrap(std::span<const Measure> measures, RandomKey key,
                                           const BootstrapOptions& options = {});

/// That factor for T = `seeds`; 0 for one seed.
double seed_widening(std::size_t seeds);

/// The 2.5 % and 97.5 % points of resampled values, beside `mean`. NaN bounds when a resample is NaN.
Interval percentile_interval(double mean, std::vector<double> resampled);

/// Resamples of a - b, or of (a - base) / (top - base): elementwise, since resample i is the same draw in all.
std::vector<double> difference(std::span<const double> a, std::span<const double> b);
std::vector<double> normalised(std::span<const double> a, std::span<const double> base, std::span<const double> top);

/// Student's t at .975 for `freedom` >= 1 degrees of freedom.
double student_t975(std::size_t freedom);

}  // namespace swipegym
