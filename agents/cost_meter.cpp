#include "agents/cost_meter.h"

#include <algorithm>

#include "core/parallel_for.h"
#include "policy/policy.h"

namespace swipegym {

CostMeter::CostMeter(std::vector<Constraint> constraints, bool expected)
    : constraints_(std::move(constraints)), expected_(expected) {}

void CostMeter::foresee(const VectorEnv& env, std::span<const std::int32_t> actions) {
  if (!expected_ || constraints_.empty()) return;
  const ObservationView seen = env.observation();
  foreseen_.resize(seen.rows * constraints_.size());
  parallel_for((seen.rows + kChunk - 1) / kChunk, env.config().threads, [&](std::size_t chunk, int) {
    for (std::size_t row = chunk * kChunk; row < std::min(seen.rows, (chunk + 1) * kChunk); ++row) {
      const std::int32_t video = video_in_slot(seen, row, static_cast<std::size_t>(actions[row]));
      Expectation expected;
      env.expect_videos(row, {&video, 1}, {&expected, 1});
      for (std::size_t c = 0; c < constraints_.size(); ++c)
        foreseen_[row * constraints_.size() + c] = expected.signal[constraints_[c].signal];
    }
  });
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
