#pragma once

namespace swipegym {

/// What may come of showing a video, for whoever gains by it beside the viewer: the creator, who then creates or does
/// not, or an advertiser, whose customer then buys or does not. Probabilities, in [0, 1].
struct UpliftChances {
  double if_watched = 0.0;  // P(create | watched); of an ad, P(buy | clicked)
  double if_skipped = 0.0;  // P(create | shown and skipped); P(buy | seen, not clicked)
  double watch = 0.0;       // P(watched | shown); P(click)
  double baseline = 0.0;    // P(create) without the impression; P(buy)
};

/// By how much one impression raises the probability:
/// P(create | watched) P(watch) + P(create | skipped) (1 - P(watch)) - P(create).
/// Where a skip changes nothing it is P(watch) times the increment, as ads are valued: P(click) * incremental utility.
constexpr double impression_uplift(const UpliftChances& chances) noexcept {
  return chances.if_watched * chances.watch + chances.if_skipped * (1.0 - chances.watch) - chances.baseline;
}

/// The one score of all sides: user value + kappa * uplift * V. `value_of_upload` V is what one more upload (one more
/// purchase) is worth in units of the user's value; `kappa` how much of it counts.
constexpr double value_of_uplift(double user_value, double kappa, double uplift, double value_of_upload) noexcept {
  return user_value + kappa * uplift * value_of_upload;
}

}  // namespace swipegym
