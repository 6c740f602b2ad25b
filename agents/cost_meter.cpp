#include "agents/cost_meter.h"

#include <algorithm>

namespace swipegym {

CostMeter::CostMeter(std::vector<Constraint> constraints, bool expected)
    : constraints_(std::move(constraints)), expected_(expected) {}

void CostMeter::foresee(const VectorEnv& env, std::span<const std::int32_t> actions) {
  if (!expected_ || constraints_.empty()) return;
  // All candidates are asked about, in full chunks of the model's: a video at a time would cost more than ten.
  const std::size_t envs = env.config().num_envs, slots = env.candidates().slots();
  expected_of_.resize(envs * slots);
  env.expect_all(expected_of_);
  foreseen_.resize(envs * constraints_.size());
  for (std::size_t row = 0; row < envs; ++row) {
    const Expectation& chosen = expected_of_[row * slots + static_cast<std::size_t>(actions[row])];
    for (std::size_t c = 0; c < constraints_.size(); ++c)
      foreseen_[row * constraints_.size() + c] = chosen.signal[constraints_[c].signal];
  }
}

std::span<const float> CostMeter::costs(const StepView& step, std::size_t envs) const {
  if (expected_ && !constraints_.empty()) return foreseen_;
  return {step.cost, envs * constraints_.size()};
}

std::vector<double> signal_rates(const Rollout& rollout) {
  std::vector<double> rates(rollout.shape().costs, 0.0);
  double videos = 0.0;
  for (std::size_t row = 0; row < rollout.rows(); ++row) {
    if (!rollout.valid[row]) continue;
    videos += rollout.videos[row];
    for (std::size_t c = 0; c < rates.size(); ++c)
      rates[c] += static_cast<double>(rollout.cost[c * rollout.rows() + row]);
  }
  for (double& rate : rates) rate /= std::max(videos, 1.0);
  return rates;
}

void excess_of(const Rollout& rollout, const Constraint& constraint, std::size_t i, std::span<float> out) {
  for (std::size_t row = 0; row < rollout.rows(); ++row) {
    const double given = static_cast<double>(rollout.cost[i * rollout.rows() + row]);
    out[row] =
        static_cast<float>(constraint.sign * (given / constraint.rate - static_cast<double>(rollout.videos[row])));
  }
}

}  // namespace swipegym
