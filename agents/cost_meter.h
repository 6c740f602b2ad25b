#pragma once

#include <span>
#include <vector>

#include "agents/actor_config.h"
#include "agents/rollout.h"

namespace swipegym {

/// Measures how often shown videos are given the constraints' signals: by the simulator's probabilities, whose noise is
/// that of the states alone, or by what users happened to do.
class CostMeter {
 public:
  CostMeter(std::vector<Constraint> constraints, bool expected);

  const std::vector<Constraint>& constraints() const noexcept { return constraints_; }
  /// Before a step: asks what is expected of the videos about to be shown. Nothing where draws are counted.
  void foresee(const VectorEnv& env, std::span<const std::int32_t> actions);
  /// After it: [envs, constraints].
  std::span<const float> costs(const StepView& step, std::size_t envs) const;

 private:
  std::vector<Constraint> constraints_;
  bool expected_;
  std::vector<Expectation> expected_of_;  // [envs, m]
  std::vector<float> foreseen_;           // [envs, constraints]
};

/// Rate a video of each constraint's signal over a full rollout.
std::vector<double> signal_rates(const Rollout& rollout);
/// Adds up the excess of constraint i (Constraint::excess) over the videos of each row.
void excess_of(const Rollout& rollout, const Constraint& constraint, std::size_t i, std::span<float> out);

}  // namespace swipegym
