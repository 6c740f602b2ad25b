#include "agents/policy_gradient/tscac_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/counters.h"
#include "agents/gradient_steps.h"
#include "agents/masked_softmax.h"
#include "agents/policy_gradient/policy_loss.h"
#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

// A checkpoint's running deviation.
struct Deviation {
  std::vector<double> value;
  void validate() const {
    require_size("deviation", value.size(), 1);
    require_between("deviation", std::span(value), 0.0, 1e30);
  }
};

constexpr double kDeviationDecay = 0.9;  // of the running variance, an update

ActorConfig auxiliary_config(const ActorConfig& config, std::size_t i) {
  ActorConfig own = config;
  own.algorithm = "ppo";
  own.objective = config.constraints[i].signal;
  own.env_steps = config.auxiliary_steps;
  return own;
}

ActorNetwork::Settings action_critic_settings(const ActorConfig& config, int threads) {
  ActorNetwork::Settings settings = network_settings(config, threads);
  settings.adam = {.learning_rate = config.critic_rate, .clip_norm = 10.0};
  return settings;
}

}  // namespace

TscacLearner::TscacLearner(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, std::uint64_t seed,
                           int threads)
    : config_(config),
      actor_(make_value_actor(*simulator, config, "tscac", seed, network_settings(config, threads))),
      critic_(make_value_actor(*simulator, config, "critic", seed + 1, action_critic_settings(config, threads))),
      encoder_(config.encoder, actor_->items()),
      meter_(parse_constraints(config), config.expected_signals),
      rollout_(encoder_, {.envs = config.num_envs,
                          .steps = config.rollout_steps,
                          .slots = config.world.candidates,
                          .costs = meter_.columns(),
                          .threads = threads}),
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  for (std::size_t i = 0; i < config.constraints.size(); ++i)
    auxiliaries_.push_back(
        std::make_unique<ActorLearner>(simulator, auxiliary_config(config, i), seed + (i + 1) * 1'000'003, threads));
  const std::size_t m = config.world.candidates, rows = rollout_.rows(), states = rollout_.state_rows();
  all_.resize(states);
  std::iota(all_.begin(), all_.end(), 0U);
  log_prob_.resize(states * m), action_value_.resize(states * m);
  value_.resize(states), advantage_.resize(rows * m), target_.resize(rows), response_.resize(rows);
  auxiliary_log_.resize(auxiliaries_.size() * rows * m), scratch_.resize(rows * m);
  row_results_.resize(minibatch_rows(config));
}

const Policy& TscacLearner::policy() const noexcept {
  return stage_one() ? auxiliaries_[learning_]->policy() : actor_->policy();
}

void TscacLearner::begin(const ObservationView& first) {
  learning_ = std::min(auxiliaries_.size(), static_cast<std::size_t>(steps_ / config_.auxiliary_steps));
  if (stage_one()) return auxiliaries_[learning_]->begin(first);
  rollout_.begin(first);
}

void TscacLearner::before_step(const VectorEnv& env, std::span<const std::int32_t> actions) {
  if (stage_one()) return auxiliaries_[learning_]->before_step(env, actions);
  meter_.before_step(env, actions);
}

void TscacLearner::observe(const StepView& step) {
  steps_ += static_cast<std::int64_t>(config_.num_envs);
  if (stage_one()) return auxiliaries_[learning_]->observe(step);
  rollout_.add(step, meter_.costs(step, rollout_.shape().envs));
}

void TscacLearner::update(std::int64_t env_steps) {
  const std::int64_t begun = static_cast<std::int64_t>(learning_) * config_.auxiliary_steps;
  if (stage_one()) return auxiliaries_[learning_]->update(env_steps - begun);
  if (!rollout_.full()) return;
  const double share = static_cast<double>(env_steps - begun) /
                       static_cast<double>(std::max<std::int64_t>(config_.env_steps - begun, 1));
  actor_->adam().set_learning_rate(learning_rate_at(config_, std::min(1.0, share)));
  ActorReport report;
  report.env_steps = env_steps;
  measure_rollout(rollout_, rows_, report);
  report.multipliers.assign(auxiliaries_.size(), config_.tscac_lambda);
  const RandomKey key = split(batch_key_, static_cast<std::uint64_t>(updates_));
  value_actions();
  learn_critic(split(key, 0));
  score_auxiliaries();
  follow_target(report, split(key, 1));
  reports_.push_back(std::move(report));
  ++updates_;
  rollout_.restart();
}

// Values of all candidates under the policy that acted, and the lambda-returns that the critic learns.
void TscacLearner::value_actions() {
  const std::size_t m = rollout_.shape().slots;
  actor_->score(rollout_, all_, log_prob_);
  scores_to_log_probs(rollout_, all_, log_prob_);
  critic_->score(rollout_, all_, action_value_);
  for (std::size_t state = 0; state < value_.size(); ++state) {
    double value = 0.0;
    for (std::size_t pair = state * m; pair < (state + 1) * m; ++pair)
      value += std::exp(static_cast<double>(log_prob_[pair])) * static_cast<double>(action_value_[pair]);
    value_[state] = static_cast<float>(value);
  }
  for (std::size_t row = 0; row < response_.size(); ++row) response_[row] = config_.reward_scale * rollout_.reward[row];
  rollout_advantages(rollout_, config_, response_, value_, target_);
  for (std::size_t row = 0; row < target_.size(); ++row) target_[row] += value_[row];
  tally_.add_value(mean_value(config_, value_));
}

void TscacLearner::learn_critic(RandomKey key) {
  for (int pass = 0; pass < config_.epochs; ++pass)
    each_minibatch(rows_, row_results_.size(), split(key, static_cast<std::uint64_t>(pass)),
                   [&](std::span<const std::uint32_t> rows) {
                     critic_->step(rollout_, rows,
                                   [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
                                     const auto slot = static_cast<std::size_t>(rollout_.action[rows[index]]);
                                     const float error = scores[slot] - target_[rows[index]];
                                     std::fill(d_scores.begin(), d_scores.end(), 0.0F);
                                     d_scores[slot] = std::clamp(error, -config_.huber_delta, config_.huber_delta);
                                     return 0.5 * static_cast<double>(error) * static_cast<double>(error);
                                   });
                   });
}

void TscacLearner::score_auxiliaries() {
  const std::size_t m = rollout_.shape().slots, rows = rollout_.rows(), count = auxiliaries_.size();
  const std::span<const std::uint32_t> all = std::span<const std::uint32_t>(all_).first(rows);
  for (std::size_t i = 0; i < count; ++i) {
    auxiliaries_[i]->log_probs(rollout_, all, scratch_);
    for (std::size_t row = 0; row < rows; ++row)
      std::copy_n(scratch_.begin() + static_cast<std::ptrdiff_t>(row * m), m,
                  auxiliary_log_.begin() + static_cast<std::ptrdiff_t>((row * count + i) * m));
  }
  critic_->score(rollout_, all, advantage_);
  double square = 0.0, valid = 0.0;
  for (std::size_t row = 0; row < rows; ++row) {
    double mean = 0.0;
    for (std::size_t pair = row * m; pair < (row + 1) * m; ++pair)
      mean += std::exp(static_cast<double>(log_prob_[pair])) * static_cast<double>(advantage_[pair]);
    for (std::size_t pair = row * m; pair < (row + 1) * m; ++pair) {
      advantage_[pair] -= static_cast<float>(mean);
      if (rollout_.valid[row])
        square += std::exp(static_cast<double>(log_prob_[pair])) * static_cast<double>(advantage_[pair]) *
                  static_cast<double>(advantage_[pair]);
    }
    valid += rollout_.valid[row];
  }
  const double measured = square / std::max(valid, 1.0);
  deviation_ = deviation_ > 0.0
                   ? std::sqrt(kDeviationDecay * deviation_ * deviation_ + (1.0 - kDeviationDecay) * measured)
                   : std::sqrt(measured);
  const float scale = 1.0F / static_cast<float>(std::max(deviation_, 1e-8));
  for (float& one : advantage_) one *= scale;
}

void TscacLearner::follow_target(ActorReport& report, RandomKey key) {
  const std::size_t m = rollout_.shape().slots, count = auxiliaries_.size();
  const std::vector<double> lambda(count, config_.tscac_lambda);
  improve_policy(config_, rows_, row_results_, key, report, [&](std::span<const std::uint32_t> rows) {
    const ActorNetwork::Step step =
        actor_->step(rollout_, rows, [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
          thread_local std::vector<float> wanted, now;
          wanted.resize(m), now.resize(m);
          const std::size_t row = rows[index];
          const std::span<const std::uint8_t> mask = std::span(rollout_.mask).subspan(row * m, m);
          tscac_target(std::span(auxiliary_log_).subspan(row * count * m, count * m), lambda,
                       std::span(advantage_).subspan(row * m, m), mask, wanted);
          log_softmax(scores, mask, now);
          PolicyRowResult& result = row_results_[index] = {};
          for (std::size_t slot = 0; slot < m; ++slot) {
            const double chance = std::exp(static_cast<double>(now[slot]));
            const double goal = std::exp(static_cast<double>(wanted[slot]));
            const double old = static_cast<double>(log_prob_[row * m + slot]);
            result.loss -= goal * static_cast<double>(now[slot]);
            result.entropy -= chance * static_cast<double>(now[slot]);
            result.kl += std::exp(old) * (old - static_cast<double>(now[slot]));
            d_scores[slot] = static_cast<float>(chance - goal);
          }
          return result.loss;
        });
    tally_.add_step(step.loss, step.gradient_norm);
  });
}

LearnerStats TscacLearner::take_stats() {
  if (stage_one()) return auxiliaries_[learning_]->take_stats();
  return tally_.take(updates_);
}

void TscacLearner::save(Hdf5Writer& file, const std::string& name) const {
  for (std::size_t i = 0; i < auxiliaries_.size(); ++i)
    auxiliaries_[i]->save(file, fmt::format("{}/auxiliary_{}", name, i));
  actor_->save(file, name + "/actor");
  critic_->save(file, name + "/critic");
  file.write(name + "/counters",
             std::vector<std::int64_t>{updates_, steps_, actor_->adam().steps(), critic_->adam().steps()});
  file.write(name + "/deviation", std::vector<double>{deviation_});
  save_reports(file, name + "/reports", reports_);
}

void TscacLearner::load(const Hdf5Reader& file, const std::string& name) {
  for (std::size_t i = 0; i < auxiliaries_.size(); ++i)
    auxiliaries_[i]->load(file, fmt::format("{}/auxiliary_{}", name, i));
  actor_->load(file, name + "/actor");
  critic_->load(file, name + "/critic");
  const std::vector<std::int64_t> counters = read_counters(file, name + "/counters", 4);
  updates_ = counters[0], steps_ = counters[1];
  actor_->adam().set_steps(counters[2]), critic_->adam().set_steps(counters[3]);
  deviation_ = file.checked(Deviation{file.read<double>(name + "/deviation")}).value[0];
  reports_ = load_reports(file, name + "/reports", auxiliaries_.size());
}

}  // namespace swipegym
