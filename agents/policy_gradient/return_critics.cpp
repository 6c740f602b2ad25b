#include "agents/policy_gradient/return_critics.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/policy_loss.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

constexpr float kReturnHuber = 10.0F;       // of errors in units of a return's worth
constexpr std::size_t kSessionsAStep = 64;  // of N
constexpr double kHabitPenalty = 50.0;      // sessions, as RetentionConfig::penalty
constexpr float kDayHours = 24.0F;

StateNetwork::Settings return_network(const RetentionConfig& config, std::size_t batch, int threads) {
  return {.hidden = config.hidden,
          .adam = {.learning_rate = config.learning_rate, .clip_norm = 10.0},
          .from_zero = true,
          .batch = batch,
          .shard_rows = 256,
          .threads = threads};
}

float worth_of(const RetentionConfig& config, float gap_h) noexcept {
  if (config.reward == "day") return gap_h <= kDayHours ? 1.0F : 0.0F;
  return -std::min(gap_h, kMaxGapHours) / kDayHours;
}

}  // namespace

ReturnSums& ReturnSums::operator+=(const ReturnSums& other) noexcept {
  sessions += other.sessions, worth += other.worth, square += other.square, residual += other.residual;
  return *this;
}

double ReturnSums::mean() const noexcept {
  return sessions > 0.0 ? worth / sessions : std::numeric_limits<double>::quiet_NaN();
}

double ReturnSums::explained() const noexcept {
  const double variance = square / std::max(sessions, 1.0) - mean() * mean();
  return variance > 0.0 ? 1.0 - residual / sessions / variance : std::numeric_limits<double>::quiet_NaN();
}

ReturnCritics::ReturnCritics(const RetentionConfig& config, std::size_t state_size, std::size_t return_columns,
                             std::size_t rows, RandomKey key, int threads)
    : config_(config),
      returns_(return_columns, config.penalty),
      habit_(kUserFeatures, kHabitPenalty),
      staying_(state_size, 1, return_network(config, rows, threads), split(key, 0)),
      next_(state_size, 1, return_network(config, kSessionsAStep, threads), split(key, 1)) {}

// U of each row of `states`.
void ReturnCritics::value_leaving(ConstMatrixRef<float> states, std::span<float> out) {
  returns_.foretell(states, out);
  if (config_.discount == 0.0F) return;
  part_.resize(out.size());
  next_.values(states, part_);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += config_.discount * part_[i];
}

void ReturnCritics::value(const Rollout& rollout, std::span<float> advantage) {
  const std::size_t rows = rollout.rows(), envs = rollout.shape().envs, ended = rollout.left_by.size();
  assert(rollout.full() && rollout.shape().returns && advantage.size() == rows);
  value_.resize(rollout.state_rows()), left_value_.resize(value_.size());
  next_value_.resize(rows), next_left_.resize(rows), response_.resize(rows), target_.resize(rows);
  ended_value_.resize(ended), ended_left_.resize(ended);
  staying_.values(rollout.states, value_);
  value_leaving(rollout.states, left_value_);
  const auto left = rollout.left.topRows(static_cast<Eigen::Index>(ended));
  staying_.values(left, ended_value_);
  value_leaving(left, ended_left_);
  std::copy(value_.begin() + static_cast<std::ptrdiff_t>(envs), value_.end(), next_value_.begin());
  std::copy(left_value_.begin() + static_cast<std::ptrdiff_t>(envs), left_value_.end(), next_left_.begin());
  for (std::size_t i = 0; i < ended; ++i)
    next_value_[rollout.left_by[i]] = ended_value_[i], next_left_[rollout.left_by[i]] = ended_left_[i];
  for (std::size_t row = 0; row < rows; ++row) response_[row] = (1.0F - rollout.stays[row]) * next_left_[row];
  generalised_advantages({.steps = rollout.shape().steps,
                          .envs = envs,
                          .reward = response_,
                          .value = value_,
                          .next_value = next_value_,
                          .valid = rollout.valid,
                          .stays = rollout.stays,
                          .terminated = rollout.terminated,
                          .truncated = rollout.truncated,
                          .discount = 1.0F,
                          .lambda = config_.gae_lambda},
                         advantage);
  for (std::size_t row = 0; row < rows; ++row) target_[row] = advantage[row] + value_[row];
  note_returns(rollout);
}

void ReturnCritics::note_returns(const Rollout& rollout) {
  const std::size_t ended = rollout.left_by.size(), envs = rollout.shape().envs;
  worth_.resize(ended), next_target_.resize(ended), part_.resize(ended);
  habit_.foretell(rollout.left.topRows(static_cast<Eigen::Index>(ended)), part_);
  sums_ = {}, returned_.clear();
  for (std::size_t i = 0; i < ended; ++i) {
    const std::size_t row = rollout.left_by[i];
    worth_[i] = worth_of(config_, rollout.gap_h[row]);
    next_target_[i] = value_[row + envs];
    if (!rollout.terminated[row]) continue;  // cut: it goes on as far as anybody knows
    returned_.push_back(static_cast<std::uint32_t>(i));
    const auto worth = static_cast<double>(worth_[i]), off = worth - static_cast<double>(part_[i]);
    sums_ += {.sessions = 1.0, .worth = worth, .square = worth * worth, .residual = off * off};
  }
}

void ReturnCritics::learn_values(const Rollout& rollout, std::span<const std::uint32_t> rows) {
  staying_.step_towards(rollout.states, rows, target_, kReturnHuber);
}

void ReturnCritics::fit_returns() {
  habit_.fit();
  returns_.fit(config_.normalise ? &habit_ : nullptr);
}

void ReturnCritics::learn_returns(const Rollout& rollout, int passes, RandomKey key) {
  returns_.add(rollout.left, returned_, worth_);
  habit_.add(rollout.left, returned_, worth_);
  fit_returns();
  for (int pass = 0; config_.discount > 0.0F && pass < passes; ++pass)
    each_minibatch(returned_, kSessionsAStep, split(key, static_cast<std::uint64_t>(pass)),
                   [&](std::span<const std::uint32_t> sessions) {
                     next_.step_towards(rollout.left, sessions, next_target_, kReturnHuber);
                   });
}

void ReturnCritics::save(Hdf5Writer& file, const std::string& name) const {
  returns_.save(file, name + "/returns");
  habit_.save(file, name + "/habit");
  staying_.save(file, name + "/staying");
  next_.save(file, name + "/next");
}

void ReturnCritics::load(const Hdf5Reader& file, const std::string& name) {
  returns_.load(file, name + "/returns");
  habit_.load(file, name + "/habit");
  fit_returns();
  staying_.load(file, name + "/staying");
  next_.load(file, name + "/next");
}

}  // namespace swipegym
