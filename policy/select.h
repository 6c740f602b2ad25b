#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

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

/// How a slot is chosen from scores. Draws come from the row's key and stream only.
struct Exploration {
  enum class Kind : std::uint8_t { kPolicy, kGreedy, kEpsilonGreedy, kBoltzmann };
  Kind kind = Kind::kPolicy;  // as the policy itself does: see Policy::temperature and resolved()
  float epsilon = 0.0F;  // kEpsilonGreedy: probability of a uniform draw over the allowed slots, the best one included
  float temperature = 1.0F;  // kBoltzmann: probabilities are softmax(score / temperature), temperature > 0

  static constexpr Exploration greedy() noexcept { return {Kind::kGreedy, 0.0F, 1.0F}; }
  static constexpr Exploration epsilon_greedy(float epsilon) noexcept { return {Kind::kEpsilonGreedy, epsilon, 1.0F}; }
  static constexpr Exploration boltzmann(float temperature) noexcept { return {Kind::kBoltzmann, 0.0F, temperature}; }
};

/// Uniform with probability epsilon, or softmax at a temperature (0: the best). Without either the policy's own way.
/// Throws InputError for both.
Exploration explore(float epsilon, std::optional<float> temperature);

/// `asked`, with kPolicy replaced by what this policy does when left to itself.
inline Exploration resolved(const Exploration& asked, const Policy& policy) noexcept {
  if (asked.kind != Exploration::Kind::kPolicy) return asked;
  return policy.temperature() > 0.0F ? Exploration::boltzmann(policy.temperature()) : Exploration::greedy();
}

/// Chooses a slate of K distinct slots a row, best or first drawn first, for VectorEnv::step: actions is [rows, K].
/// Greedy ties go to the lowest index. kPolicy is for callers that know the
/// policy (choose_actions): here it throws InputError. Masked slots, and with the full catalogue videos the env has
/// shown already, are never chosen. Throws InputError naming the row when fewer than K slots are allowed.
void select_actions(const DecisionBatch& batch, std::span<const float> scores, const Exploration& exploration,
                    std::span<std::int32_t> actions, std::size_t slate = 1);

/// Scores and chooses: what acts calls this. With candidates it is score() and select_actions(); with the full
/// catalogue the policy's best_videos() is asked first, and only rows that need their best videos ask for them, so that
/// no score is kept for each of millions of videos. `scores` is room that is kept between calls.
void choose_actions(const Policy& policy, const DecisionBatch& batch, const Exploration& exploration,
                    std::size_t num_videos, std::vector<float>& scores, std::span<std::int32_t> actions,
                    std::size_t slate = 1);

/// The probability that each slot of row `row` is the first one chosen; 0 for masked ones. `scores` are those of this
/// row; `mask` may be empty: all allowed. Throws InputError for a temperature and a policy that draws its own slates.
void choice_probabilities(const Policy& policy, const DecisionBatch& batch, std::size_t row,
                          std::span<const float> scores, std::span<const std::uint8_t> mask,
                          const Exploration& exploration, std::span<double> out);

/// The same where the scores say it all.
void selection_probabilities(std::span<const float> scores, std::span<const std::uint8_t> mask,
                             const Exploration& exploration, bool scores_are_random, std::span<double> out);

}  // namespace swipegym
