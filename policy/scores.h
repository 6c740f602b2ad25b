#pragma once

#include <span>

#include "core/error.h"
#include "policy/policy.h"

namespace swipegym {

/// A policy's score that is no number.
class NotScored : public InputError {
 public:
  using InputError::InputError;
};

/// Policy::score() as whoever chooses, judges or writes scores calls it: throws NotScored that names the policy, the
/// row and the slot where one that may be chosen has a score of NaN or infinity (minus infinity is allowed: last).
/// Weights may be finite and their products not, and a person's own function may return anything.
void score_slots(const Policy& policy, const DecisionBatch& batch, std::span<float> scores);

/// The same for scores of the full catalogue, all of which may be chosen.
void require_scores(std::span<const float> scores);
/// The same check for scores that come from elsewhere, [rows, slots] of the batch's observation.
void require_scores(const Policy& policy, const ObservationView& observation, std::span<const float> scores);

}  // namespace swipegym
