#include "agents/policy_gradient/actor_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "agents/counters.h"
#include "agents/gradient_steps.h"
#include "agents/policy_gradient/policy_loss.h"
#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

PolicyLoss policy_loss_settings(const ActorConfig& config) {
  PolicyLoss loss;
  if (config.algorithm == "a2c" || config.algorithm == "reinforce") loss.kind = PolicyLoss::Kind::kReinforce;
  if (config.algorithm == "rwr") loss.kind = PolicyLoss::Kind::kRegression;
  loss.clip = config.clip, loss.entropy = config.entropy, loss.importance_cap = config.importance_cap;
  loss.regression_beta = config.regression_beta, loss.regression_cap = config.regression_cap;
  loss.slate = config.world.slate;
  return loss;
}

StateNetwork::Settings critic_settings(const ActorConfig& config, int threads) {
  return {.hidden = config.critic_hidden,
          .adam = {.learning_rate = config.critic_rate, .clip_norm = 10.0},
          .batch = minibatch_rows(config),
          .shard_rows = 256,
          .threads = threads};
}

}  // namespace

void scores_to_log_probs(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> scores) {
  const std::size_t m = rollout.shape().slots;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> own = scores.subspan(i * m, m);
    log_softmax(own, std::span(rollout.mask).subspan(rows[i] * m, m), own);
  }
}

void measure_rollout(const Rollout& rollout, std::vector<std::uint32_t>& valid_rows, ActorReport& report) {
  valid_rows.clear();
  double reward = 0.0, videos = 0.0;
  for (std::size_t row = 0; row < rollout.rows(); ++row) {
    if (!rollout.valid[row]) continue;
    valid_rows.push_back(static_cast<std::uint32_t>(row));
    reward += static_cast<double>(rollout.reward[row]);
    videos += rollout.videos[row];
  }
  report.reward = reward / std::max(videos, 1.0);
  report.rates = signal_rates(rollout);
}

void rollout_advantages(const Rollout& rollout, const ActorConfig& config, std::span<const float> response,
                        std::span<const float> value, std::span<float> advantage) {
  generalised_advantages({.steps = rollout.shape().steps,
                          .envs = rollout.shape().envs,
                          .reward = response,
                          .value = value,
                          .valid = rollout.valid,
                          .stays = rollout.stays,
                          .terminated = rollout.terminated,
                          .truncated = rollout.truncated,
                          .discount = config.discount,
                          .lambda = config.gae_lambda},
                         advantage);
}

double mean_value(const ActorConfig& config, std::span<const float> value) {
  return std::accumulate(value.begin(), value.end(), 0.0) / static_cast<double>(value.size()) /
         static_cast<double>(config.reward_scale);
}

ActorLearner::ActorLearner(const std::shared_ptr<const Simulator>& simulator, const ActorConfig& config,
                           std::uint64_t seed, int threads)
    : ActorLearner(config,
                   make_value_actor(*simulator, config, config.algorithm, seed, network_settings(config, threads)), {},
                   seed, threads) {}

ActorLearner::ActorLearner(const ActorConfig& config, std::unique_ptr<ActorNetwork> actor, const ActorAnchor& anchor,
                           std::uint64_t seed, int threads)
    : config_(config),
      anchor_(anchor),
      objective_(objective_index(config)),
      constrained_(objective_ < 0 && !config.constraints.empty() &&
                   (config.multiplier.rule != "fixed" || config.multiplier.initial > 0.0)),
      loss_(policy_loss_settings(config)),
      actor_(std::move(actor)),
      encoder_(config.encoder, actor_->items()),
      meter_(parse_constraints(config), config.expected_signals),
      rollout_(encoder_, {.envs = config.num_envs,
                          .steps = config.rollout_steps,
                          .slots = config.world.candidates,
                          .slate = config.world.slate,
                          .costs = meter_.columns(),
                          .threads = threads}),
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  const std::size_t critics = constrained_ && config.critics == "many" ? 1 + config.constraints.size() : 1;
  const RandomKey critic_key = split(split(make_key(seed), Draw::kInit), 100);  // apart from the actor's
  for (std::size_t i = 0; i < critics; ++i)
    critics_.emplace_back(encoder_.state_size(), 1, critic_settings(config, threads),
                          anchor.own_critic_key ? critic_key : split(critic_key, i));
  for (std::size_t i = 0; i < config.constraints.size(); ++i) multipliers_.emplace_back(config.multiplier);
  const std::size_t rows = rollout_.rows();
  response_.resize(rows), value_.resize(rollout_.state_rows()), advantage_.resize(rows);
  old_log_prob_.resize(rows * config.world.candidates), anchor_log_prob_.resize(old_log_prob_.size());
  advantages_.assign(critics, std::vector<float>(rows));
  targets_.assign(critics, std::vector<float>(rows));
  row_results_.resize(minibatch_rows(config));
  all_.resize(rows);
  std::iota(all_.begin(), all_.end(), 0U);
}

void ActorLearner::begin(const ObservationView& first) {
  rollout_.begin(first);
  actor_->begin(first);
}

void ActorLearner::observe(const StepView& step) {
  rollout_.add(step, meter_.costs(step, rollout_.shape().envs));
  actor_->observe(step.observation);
}

void ActorLearner::update(std::int64_t env_steps) {
  if (!rollout_.full()) return;
  const double share = std::min(1.0, static_cast<double>(env_steps) / static_cast<double>(config_.env_steps));
  actor_->adam().set_learning_rate(learning_rate_at(config_, share));
  ActorReport report;
  report.env_steps = env_steps;
  measure(report);
  value_responses();
  combine_advantages();
  improve(report);
  reports_.push_back(std::move(report));
  ++updates_;
  actor_->restart();
  rollout_.restart();
}

void ActorLearner::log_probs(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) {
  actor_->score(rollout, rows, out);
  scores_to_log_probs(rollout, rows, out);
}

void ActorLearner::measure(ActorReport& report) {
  measure_rollout(rollout_, rows_, report);
  for (std::size_t i = 0; i < multipliers_.size(); ++i) {
    const Constraint& constraint = meter_.constraints()[i];
    if (objective_ < 0) multipliers_[i].update(constraint.excess(report.rates[i]), 0.0);
    report.multipliers.push_back(objective_ < 0 ? multipliers_[i].value() : 0.0);
  }
}

// The response of a critic: the objective, penalised where there is one critic for all; or a constraint's excess.
void ActorLearner::fill_response(std::size_t critic, std::span<float> out) const {
  const std::size_t rows = rollout_.rows();
  if (critic > 0) return excess_of(rollout_, meter_.constraints()[critic - 1], critic - 1, out);
  if (objective_ >= 0) {
    const auto i = static_cast<std::size_t>(objective_);
    excess_of(rollout_, meter_.constraints()[i], i, out);
    for (float& one : out) one = -one;
    return;
  }
  for (std::size_t row = 0; row < rows; ++row) out[row] = config_.reward_scale * rollout_.reward[row];
  if (!constrained_ || critics_.size() > 1) return;
  thread_local std::vector<float> excess;
  excess.resize(rows);
  for (std::size_t i = 0; i < multipliers_.size(); ++i) {
    excess_of(rollout_, meter_.constraints()[i], i, excess);
    const auto multiplier = static_cast<float>(multipliers_[i].value());
    for (std::size_t row = 0; row < rows; ++row) out[row] -= multiplier * excess[row];
  }
}

void ActorLearner::value_responses() {
  for (std::size_t critic = 0; critic < critics_.size(); ++critic) {
    fill_response(critic, response_);
    critics_[critic].values(rollout_.states, value_);
    rollout_advantages(rollout_, config_, response_, value_, advantages_[critic]);
    for (std::size_t row = 0; row < rollout_.rows(); ++row)
      targets_[critic][row] = advantages_[critic][row] + value_[row];
    if (critic == 0) tally_.add_value(mean_value(config_, value_));
  }
}

void ActorLearner::combine_advantages() {
  if (config_.standardise)
    for (std::vector<float>& advantage : advantages_) standardise(rollout_.valid, advantage);
  advantage_ = advantages_[0];
  if (critics_.size() == 1) return;
  double total = 1.0;
  for (std::size_t i = 0; i < multipliers_.size(); ++i) {
    const double multiplier = multipliers_[i].value();
    total += multiplier;
    for (std::size_t row = 0; row < advantage_.size(); ++row)
      advantage_[row] -= static_cast<float>(multiplier) * advantages_[i + 1][row];
  }
  for (float& one : advantage_) one /= static_cast<float>(total);
}

void ActorLearner::improve(ActorReport& report) {
  const std::size_t m = rollout_.shape().slots, slate = rollout_.shape().slate;
  log_probs(rollout_, all_, old_log_prob_);  // of the policy that acted: it does not change between updates
  const bool anchored = anchor_.weight > 0.0F && actor_->anchor_score(rollout_, all_, anchor_log_prob_);
  if (anchored) scores_to_log_probs(rollout_, all_, anchor_log_prob_);
  improve_policy(
      config_, rows_, row_results_, split(batch_key_, static_cast<std::uint64_t>(updates_)), report,
      [&](std::span<const std::uint32_t> rows) {
        const ActorNetwork::Step step = actor_->step(
            rollout_, rows, [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
              thread_local std::vector<float> log_prob;
              log_prob.resize(m);
              const std::size_t row = rows[index];
              log_softmax(scores, std::span(rollout_.mask).subspan(row * m, m), log_prob);
              row_results_[index] = policy_loss(loss_,
                                                {.log_prob = log_prob,
                                                 .old_log_prob = std::span(old_log_prob_).subspan(row * m, m),
                                                 .actions = std::span(rollout_.action).subspan(row * slate, slate),
                                                 .advantage = advantage_[row]},
                                                d_scores);
              if (!anchored) return row_results_[index].loss;
              return row_results_[index].loss +
                     anchor_loss(anchor_.weight, log_prob, std::span(anchor_log_prob_).subspan(row * m, m), d_scores);
            });
        tally_.add_step(step.loss, step.gradient_norm);
        for (std::size_t critic = 0; critic < critics_.size(); ++critic)
          critics_[critic].step_towards(rollout_.states, rows, targets_[critic], config_.huber_delta);
      });
}

void ActorLearner::save(Hdf5Writer& file, const std::string& name) const {
  actor_->save(file, name + "/actor");
  file.write(name + "/counters", std::vector<std::int64_t>{updates_, actor_->adam().steps()});
  for (std::size_t i = 0; i < critics_.size(); ++i) critics_[i].save(file, fmt::format("{}/critic_{}", name, i));
  for (std::size_t i = 0; i < multipliers_.size(); ++i)
    file.write(fmt::format("{}/multiplier_{}", name, i), multipliers_[i].state());
  save_reports(file, name + "/reports", reports_);
}

void ActorLearner::load(const Hdf5Reader& file, const std::string& name) {
  actor_->load(file, name + "/actor");
  const std::vector<std::int64_t> counters = read_counters(file, name + "/counters", 2);
  updates_ = counters[0];
  actor_->adam().set_steps(counters[1]);
  for (std::size_t i = 0; i < critics_.size(); ++i) critics_[i].load(file, fmt::format("{}/critic_{}", name, i));
  for (std::size_t i = 0; i < multipliers_.size(); ++i)
    multipliers_[i].set_state(
        file.checked(MultiplierState{config_.multiplier, file.read<double>(fmt::format("{}/multiplier_{}", name, i))})
            .values);
  reports_ = load_reports(file, name + "/reports", multipliers_.size());
  take_stats();
}

}  // namespace swipegym
