#pragma once

#include <span>
#include <vector>

#include "core/range.h"
#include "env/reward_weights.h"
#include "env/user_model.h"

namespace swipegym {

/// Standard deviations over members that are taken off their mean.
inline constexpr Range kPessimism = between(0, 1'000);

/// weights applied to expectations.
float expected_reward(const RewardWeights& weights, const Expectation& expectation) noexcept;

/// What of an expectation that looks at: without a weight for a signal, the watch alone.
ExpectedPart expected_part(const RewardWeights& weights) noexcept;

/// Throws InputError for a pessimism out of kPessimism, and for one above 0 where `model` has a single member, which
/// disagrees with nobody.
void check_pessimism(float pessimism, const UserModel& model);

/// How a video that is shown next is valued: by its expected reward or, with members, by their mean less `pessimism`
/// standard deviations over them (of the sample: n - 1), as an upper-confidence bound turned round (Jin, Yang and Wang
/// 2021, "Is pessimism provably efficient for offline RL?").
struct RewardOutlook {
  RewardWeights weights;
  ExposureKind exposure = ExposureKind::kInterventional;
  float pessimism = 0.0F;

  /// Of showing shown[i] in states[i]; n <= kChunk. `said` is room that the caller keeps. `stays` may be empty; else it
  /// gets the probability that the user stays after each, by the mean of the members, in [0, 1].
  void expect(const UserModel& model, std::span<const Shown> shown, std::span<const float* const> states,
              std::span<float> out, UserModel::Scratch& scratch, std::vector<Expectation>& said,
              std::span<float> stays = {}) const;
};

}  // namespace swipegym
