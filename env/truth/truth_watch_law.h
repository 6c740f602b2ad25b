#pragma once

#include <span>

#include "core/random.h"

namespace swipegym {

/// The law of the watch ratio of one exposure in the synthetic truth, in closed form.
///
/// With probability `zero` nothing plays. Else the video either misses the person's mood, and play time is log-logistic
/// with shape 2 (a swipe), or matches it with probability `match`: then part of it is watched (ratio = U^(1 / power)),
/// or all of it (logistic around 1.02), or it runs again (1 + exponential). Every part is truncated at `cut`.
///
/// Deliberately not a table of bins: a fitted simulator must approximate it.
struct TruthWatchLaw {
  float zero = 0.0F;      // [0, 1]
  float match = 0.5F;     // [0, 1]
  float swipe = 0.05F;    // median ratio of an untruncated swipe, > 0
  float power = 0.5F;     // > 0
  float complete = 0.2F;  // share of matched plays around the end; complete + replay <= 1
  float replay = 0.02F;   // share of matched plays that run again
  float cut = 5.0F;       // largest ratio, in [1.25, 5]

  /// P(ratio <= r).
  double cdf(double r) const;
  /// The ratios below which a share p[i] of the law lies, to about one in a million; p ascending in (0, 1).
  void quantiles(std::span<const double> p, std::span<double> out) const;
  /// E[ratio].
  float mean() const;
  /// E[min(ratio, 1)].
  float mean_up_to_one() const;
  /// E[ratio | the video matches].
  float matched_mean() const;
  /// Continuous ranked probability score of this law for an observed ratio: the integral of (F(r) - 1{ratio <= r})^2
  /// over [0, 5], by Gauss-Legendre panels to about 1e-5.
  double crps(double ratio) const;

  /// One draw and whether the video matched, which feedback depends on.
  struct Sample {
    float ratio;
    bool matched;
  };
  Sample draw(RandomStream& random) const;
};

}  // namespace swipegym
