#include "policy/scores.h"

#include <fmt/format.h>

#include <limits>

namespace swipegym {
namespace {

bool is_score(float score) noexcept {
  return score <= std::numeric_limits<float>::max();
}

}  // namespace

void require_scores(std::span<const float> scores) {
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (!is_score(scores[i]))
      throw NotScored(fmt::format(
          "video {} of the full catalogue is scored with {}, expected a finite number; a learned policy has "
          "diverged: train it again with a lower learning_rate",
          i, scores[i]));
}

void require_scores(const Policy& policy, const ObservationView& observation, std::span<const float> scores) {
  bool all = true;  // without a branch a score, so that the compiler may use vectors
  for (const float score : scores) all &= is_score(score);
  if (all || observation.rows == 0) return;
  const std::size_t slots = scores.size() / observation.rows;
  const std::uint8_t* mask = observation.candidates > 0 ? observation.mask : nullptr;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (!is_score(scores[i]) && (mask == nullptr || mask[i] != 0))
      throw NotScored(
          fmt::format("policy '{}' scores slot {} of row {} with {}, expected a finite number; a learned policy has "
                      "diverged: train it again with a lower learning_rate",
                      policy.name(), i % slots, i / slots, scores[i]));
}

void score_slots(const Policy& policy, const DecisionBatch& batch, std::span<float> scores) {
  policy.score(batch, scores);
  require_scores(policy, batch.observation, scores);
}

}  // namespace swipegym
