#include "agents/policy_gradient/cost_meter.h"

#include <algorithm>
#include <cmath>

namespace swipegym {
namespace {

// What a uniform choice among the candidates of a row would be given.
float uniform_signal(std::span<const Expectation> candidates, const std::uint8_t* mask, std::size_t signal) {
  float sum = 0.0F, allowed = 0.0F;
  for (std::size_t slot = 0; slot < candidates.size(); ++slot) {
    if (mask[slot] == 0) continue;
    sum += candidates[slot].signal[signal];
    allowed += 1.0F;
  }
  return sum / std::max(allowed, 1.0F);
}

// Of a column of costs over the rows that count.
double total(const Rollout& rollout, std::size_t column) {
  double sum = 0.0;
  for (std::size_t row = 0; row < rollout.rows(); ++row)
    if (rollout.valid[row]) sum += static_cast<double>(rollout.cost[column * rollout.rows() + row]);
  return sum;
}

}  // namespace

CostMeter::CostMeter(std::vector<Constraint> constraints, bool expected)
    : constraints_(std::move(constraints)), expected_(expected) {}

void CostMeter::before_step(const VectorEnv& env, std::span<const std::int32_t> actions) {
  if (!expected_ || constraints_.empty()) return;
  // All candidates are asked about, in full chunks of the model's: a video at a time would cost more than ten.
  const std::size_t envs = env.config().num_envs, slots = env.candidates().slots(), count = constraints_.size();
  const std::uint8_t* mask = env.observation().mask;
  expected_of_.resize(envs * slots);
  env.expect_all(expected_of_);
  costs_.resize(envs * columns());
  signals_.resize(envs * count * slots);
  for (std::size_t row = 0; row < envs; ++row) {
    const std::span<const Expectation> offered = std::span(expected_of_).subspan(row * slots, slots);
    float* costs = &costs_[row * columns()];
    for (std::size_t c = 0; c < count; ++c) {
      const Constraint& constraint = constraints_[c];
      costs[c] = offered[static_cast<std::size_t>(actions[row])].signal[constraint.signal];
      if (constraint.relative) costs[count + c] = uniform_signal(offered, mask + row * slots, constraint.signal);
      for (std::size_t slot = 0; slot < slots; ++slot)
        signals_[(row * count + c) * slots + slot] = offered[slot].signal[constraint.signal];
    }
  }
}

std::span<const float> CostMeter::costs(const StepView& step, std::size_t envs) {
  const std::size_t count = constraints_.size();
  costs_.resize(envs * columns());
  for (std::size_t row = 0; row < envs; ++row)
    for (std::size_t c = 0; c < count; ++c) {
      if (!expected_) costs_[row * columns() + c] = step.cost[row * count + c];
      if (!constraints_[c].relative) costs_[row * columns() + count + c] = static_cast<float>(step.consumed[row]);
    }
  return costs_;
}

std::vector<SignalMeans> signal_means(const Rollout& rollout, std::span<const float> log_prob) {
  const std::size_t count = rollout.shape().costs / 2, m = rollout.shape().slots;
  const bool known = !log_prob.empty() && rollout.shape().signals == count;
  const auto valid = static_cast<double>(std::count(rollout.valid.begin(), rollout.valid.end(), 1));
  std::vector<SignalMeans> means(count);
  for (std::size_t c = 0; c < count; ++c) {
    double given = known ? 0.0 : total(rollout, c);
    for (std::size_t row = 0; known && row < rollout.rows(); ++row)
      for (std::size_t slot = 0; rollout.valid[row] && slot < m; ++slot)
        given += std::exp(static_cast<double>(log_prob[row * m + slot])) *
                 static_cast<double>(rollout.signal[(row * count + c) * m + slot]);
    means[c] = {given / std::max(valid, 1.0), total(rollout, count + c) / std::max(valid, 1.0)};
  }
  return means;
}

void excess_of(const Rollout& rollout, const Constraint& constraint, std::size_t i, double unit, std::span<float> out) {
  const std::size_t rows = rollout.rows(), against = (rollout.shape().costs / 2 + i) * rows;
  for (std::size_t row = 0; row < rows; ++row) {
    const double given = static_cast<double>(rollout.cost[i * rows + row]);
    out[row] = static_cast<float>(constraint.sign *
                                  (given / constraint.rate - static_cast<double>(rollout.cost[against + row])) / unit);
  }
}

}  // namespace swipegym
