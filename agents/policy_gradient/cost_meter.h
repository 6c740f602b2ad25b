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
  /// How many signals() there are of a candidate: one a constraint where they are expected, else none.
  std::size_t signal_count() const noexcept { return expected_ ? constraints_.size() : 0; }
  /// Of every candidate at before_step(): [envs, signal_count(), m].
  std::span<const float> signals() const noexcept { return signals_; }

 private:
  std::vector<Constraint> constraints_;
  bool expected_;
  std::vector<Expectation> expected_of_;  // [envs, m]
  std::vector<float> costs_;              // [envs, columns]
  std::vector<float> signals_;            // [envs, constraints, m]
};

/// What a full rollout was given of a constraint's signal, and what that is counted against; means a valid row.
struct SignalMeans {
  double given = 0.0, against = 0.0;

  double rate() const noexcept { return against > 0.0 ? given / against : 0.0; }
};
/// Of each constraint. With log probabilities [rows, m], where the signals of every candidate are known, what a policy
/// with these is given: what it happened to choose is no noise then.
std::vector<SignalMeans> signal_means(const Rollout& rollout, std::span<const float> log_prob = {});
/// The excess of constraint i of the videos of each row: sign * (given / rate - counted against) / unit.
/// 0 at the limit, 1 for twice too much where unit is the mean counted against. Its expectation is at most 0 exactly
/// where the constraint holds, and sums over sessions of any length stay comparable with rates.
void excess_of(const Rollout& rollout, const Constraint& constraint, std::size_t i, double unit, std::span<float> out);

}  // namespace swipegym
