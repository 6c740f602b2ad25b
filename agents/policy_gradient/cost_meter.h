#pragma once

#include <span>
#include <vector>

#include "agents/policy_gradient/actor_config.h"
#include "agents/policy_gradient/rollout.h"

namespace swipegym {

/// Measures how often shown videos are given the constraints' signals: by the simulator's probabilities, whose noise is
/// that of the states alone, or by what users happened to do.
class CostMeter {
 public:
  CostMeter(std::vector<Constraint> constraints, bool expected);

  const std::vector<Constraint>& constraints() const noexcept { return constraints_; }
  /// Columns of costs(): two a constraint.
  std::size_t columns() const noexcept { return 2 * constraints_.size(); }
  /// Before a step: asks what is expected of the videos about to be shown. Nothing where draws are counted.
  void before_step(const VectorEnv& env, std::span<const std::int32_t> actions);
  /// After it: [envs, columns], for each constraint what was given, then for each what a rate counts it against: the
  /// videos shown, or for a relative constraint what a uniform choice among the same candidates would have been given.
  std::span<const float> costs(const StepView& step, std::size_t envs);

 private:
  std::vector<Constraint> constraints_;
  bool expected_;
  std::vector<Expectation> expected_of_;  // [envs, m]
  std::vector<float> costs_;              // [envs, columns]
};

/// Rate of each constraint's signal over a full rollout: what was given, over what it is counted against.
std::vector<double> signal_rates(const Rollout& rollout);
/// The excess of constraint i of the videos of each row: sign * (given / rate - counted against), in units of what a
/// row is counted against on average. Its sum is at most 0 exactly where the rollout keeps the constraint.
void excess_of(const Rollout& rollout, const Constraint& constraint, std::size_t i, std::span<float> out);

}  // namespace swipegym
