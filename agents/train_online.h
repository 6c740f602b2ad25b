#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "agents/learner.h"
#include "core/progress.h"

namespace swipegym {

/// One line of a training log: what happened between two fresh starts of all envs.
struct RoundReport {
  std::int64_t env_steps = 0;  // of all rounds so far
  std::int64_t episodes = 0;   // that ended in this round
  double mean_return = 0.0;    // of those, while exploring: a rising curve, not an evaluation
  double mean_length = 0.0;
  double epsilon = 0.0;  // at the round's end
  LearnerStats learner;
};

struct OnlineTraining {
  std::uint64_t seed = 1;
  std::int64_t env_steps = 0;    // of all envs together
  std::int64_t round_steps = 0;  // of all envs together, between fresh starts
  Progress progress{};
  /// Called after each step of the envs, for tallies. May be empty.
  std::function<void(const StepView&)> after_step{};
  /// Called after each round with all reports so far; the place to save a checkpoint. May be empty.
  std::function<void(const std::vector<RoundReport>&)> after_round{};
};

/// Acts in `env`, lets `learner` observe and learn. All envs begin afresh with every round, so that a checkpoint
/// between rounds needs nothing of the environment: giving the reports of finished rounds as `done`, with a learner
/// loaded from that point, goes on with the same numbers. Returns the reports of all rounds.
std::vector<RoundReport> train_online(Learner& learner, VectorEnv& env, const OnlineTraining& training,
                                      std::vector<RoundReport> done = {});

}  // namespace swipegym
