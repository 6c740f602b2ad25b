#include "agents/policy_gradient/actor_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "agents/counters.h"
#include "agents/gradient_steps.h"
#include "agents/policy_gradient/cpo_step.h"
#include "agents/policy_gradient/policy_loss.h"
#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"

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

// A checkpoint's sum of weights over some updates.
struct WeightSum {
  std::size_t size;
  std::int64_t updates;
  std::vector<double> values;
  void validate() const {
    require_size("weight sum", values.size(), size);
    const double most = static_cast<double>(kLargestWeight) * static_cast<double>(updates);
    require_between("weight sum", std::span(values), -most, most);
  }
};

// A checkpoint's running means of excesses.
struct RunningExcess {
  std::size_t constraints;
  std::vector<double> values;
  void validate() const {
    require_size("excess", values.size(), constraints);
    require_between("excess", std::span(values), -1e30, 1e30);
  }
};

// A checkpoint's sums of what rows are counted against.
struct AgainstSum {
  std::size_t constraints;
  std::vector<double> values;
  void validate() const {
    require_size("against", values.size(), constraints);
    require_between("against", std::span(values), 0.0, 1e30);
  }
};

MultiplierConfig multiplier_settings(const ActorConfig& config, const Constraint& constraint) {
  MultiplierConfig own = config.multiplier;
  own.initial = constraint.multiplier;
  return own;
}

// Whether bounds move the policy.
bool keeps_bounds(const ActorConfig& config) {
  if (objective_index(config) >= 0 || config.constraints.empty()) return false;
  if (config.algorithm == "cpo" || config.multiplier.rule != "fixed") return true;
  const std::vector<Constraint> all = parse_constraints(config);
  return std::any_of(all.begin(), all.end(), [](const Constraint& one) { return one.multiplier > 0.0; });
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
  for (const SignalMeans& means : signal_means(rollout)) report.rates.push_back(means.rate());
}

StateNetwork make_critic(std::size_t state_size, const ActorConfig& config, RandomKey key, int threads) {
  return {state_size,
          1,
          {.hidden = config.critic_hidden,
           .adam = {.learning_rate = config.critic_rate, .clip_norm = 10.0},
           .batch = minibatch_rows(config),
           .shard_rows = 256,
           .threads = threads},
          key};
}

RandomKey critic_key(std::uint64_t seed) {
  return split(split(make_key(seed), Draw::kInit), 100);
}

ActorReport begin_update(const ActorConfig& config, std::int64_t env_steps, Adam& adam) {
  adam.set_learning_rate(
      learning_rate_at(config, std::min(1.0, static_cast<double>(env_steps) / static_cast<double>(config.env_steps))));
  ActorReport report;
  report.env_steps = env_steps;
  return report;
}

void rollout_advantages(const Rollout& rollout, const ActorConfig& config, std::span<const float> response,
                        std::span<const float> value, std::span<float> advantage, std::span<const float> next_value) {
  generalised_advantages({.steps = rollout.shape().steps,
                          .envs = rollout.shape().envs,
                          .reward = response,
                          .value = value,
                          .next_value = next_value,
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
      constrained_(keeps_bounds(config)),
      loss_(policy_loss_settings(config)),
      actor_(std::move(actor)),
      encoder_(config.encoder, actor_->items()),
      meter_(parse_constraints(config), config.expected_signals),
      rollout_(encoder_, {.envs = config.num_envs,
                          .steps = config.rollout_steps,
                          .slots = config.world.candidates,
                          .slate = config.world.slate,
                          .costs = meter_.columns(),
                          .signals = meter_.signal_count(),
                          .threads = threads}),
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  const std::size_t critics = constrained_ && config.critics == "many" ? 1 + config.constraints.size() : 1;
  const RandomKey key = critic_key(seed);
  for (std::size_t i = 0; i < critics; ++i)
    critics_.push_back(
        make_critic(encoder_.state_size(), config, anchor.own_critic_key ? key : split(key, i), threads));
  for (const Constraint& constraint : meter_.constraints())
    multipliers_.emplace_back(multiplier_settings(config, constraint));
  against_sum_.resize(multipliers_.size()), excess_.resize(multipliers_.size());
  if (config.algorithm == "cpo") running_.resize(multipliers_.size());
  if (config.average > 0.0) weight_sum_.resize(actor_->size());
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
  rollout_.add(step, meter_.costs(step, rollout_.shape().envs), meter_.signals());
  actor_->observe(step.observation);
}

void ActorLearner::update(std::int64_t env_steps) {
  if (!rollout_.full()) return;
  const double share = std::min(1.0, static_cast<double>(env_steps) / static_cast<double>(config_.env_steps));
  ActorReport report = begin_update(config_, env_steps, actor_->adam());
  log_probs(rollout_, all_, old_log_prob_);  // of the policy that acted: it does not change between updates
  measure(report, share);
  value_responses();
  combine_advantages();
  if (config_.algorithm == "cpo")
    improve_within_region(report);
  else
    improve(report);
  reports_.push_back(std::move(report));
  ++updates_;
  average_weights();
  actor_->restart();
  rollout_.restart();
}

void ActorLearner::log_probs(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) {
  actor_->score(rollout, rows, out);
  scores_to_log_probs(rollout, rows, out);
}

std::shared_ptr<const Policy> ActorLearner::snapshot() const {
  if (averaged_ == 0) return actor_->snapshot();
  std::vector<float> mean(weight_sum_.size());
  for (std::size_t i = 0; i < mean.size(); ++i)
    mean[i] = static_cast<float>(weight_sum_[i] / static_cast<double>(averaged_));
  return actor_->snapshot(mean);
}

// How many of the updates so far belong to the last share of the training.
std::int64_t ActorLearner::updates_to_average() const noexcept {
  const double from = (1.0 - config_.average) * static_cast<double>(config_.env_steps);
  return std::count_if(reports_.begin(), reports_.end(),
                       [from](const ActorReport& report) { return static_cast<double>(report.env_steps) > from; });
}

void ActorLearner::average_weights() {
  if (weight_sum_.empty() || updates_to_average() == 0) return;
  std::vector<float> now(weight_sum_.size());
  actor_->read(now);
  ++averaged_;
  for (std::size_t i = 0; i < now.size(); ++i) weight_sum_[i] += static_cast<double>(now[i]);
}

void ActorLearner::measure(ActorReport& report, double share) {
  measure_rollout(rollout_, rows_, report);
  const std::vector<SignalMeans> means = signal_means(rollout_, old_log_prob_);
  for (std::size_t i = 0; i < multipliers_.size(); ++i) {
    const Constraint& constraint = meter_.constraints()[i];
    against_sum_[i] += means[i].against;
    report.rates[i] = means[i].rate();
    excess_[i] = constraint.sign * (means[i].given / constraint.rate - means[i].against) / unit(i);
    if (objective_ < 0) multipliers_[i].update(excess_[i], 0.0, share);
    report.multipliers.push_back(objective_ < 0 ? multipliers_[i].value() : 0.0);
  }
}

double ActorLearner::unit(std::size_t constraint) const noexcept {
  if (!meter_.constraints()[constraint].relative) return 1.0;
  return std::max(against_sum_[constraint] / static_cast<double>(updates_ + 1), 1e-12);
}

// The response of a critic: the objective, penalised where there is one critic for all; or a constraint's excess.
void ActorLearner::fill_response(std::size_t critic, std::span<float> out) const {
  const std::size_t rows = rollout_.rows();
  if (critic > 0) return excess_of(rollout_, meter_.constraints()[critic - 1], critic - 1, unit(critic - 1), out);
  if (objective_ >= 0) {
    const auto i = static_cast<std::size_t>(objective_);
    excess_of(rollout_, meter_.constraints()[i], i, unit(i), out);
    for (float& one : out) one = -one;
    return;
  }
  for (std::size_t row = 0; row < rows; ++row) out[row] = config_.reward_scale * rollout_.reward[row];
  if (!constrained_ || critics_.size() > 1) return;
  thread_local std::vector<float> excess;
  excess.resize(rows);
  for (std::size_t i = 0; i < multipliers_.size(); ++i) {
    excess_of(rollout_, meter_.constraints()[i], i, unit(i), excess);
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
  // A trust region's bounds say how much a cost may change, so costs keep their unit there.
  const bool region = config_.algorithm == "cpo";
  if (config_.standardise)
    for (std::size_t i = 0; i < (region ? 1 : advantages_.size()); ++i) standardise(rollout_.valid, advantages_[i]);
  advantage_ = advantages_[0];
  if (critics_.size() == 1 || region) return;
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
        learn_values(rows);
      });
}

void ActorLearner::learn_values(std::span<const std::uint32_t> rows) {
  for (std::size_t critic = 0; critic < critics_.size(); ++critic)
    critics_[critic].step_towards(rollout_.states, rows, targets_[critic], config_.huber_delta);
}

void ActorLearner::improve_within_region(ActorReport& report) {
  const RandomKey key = split(batch_key_, static_cast<std::uint64_t>(updates_));
  CpoBatch batch{.rows = rows_, .log_prob = old_log_prob_, .advantage = advantage_, .entropy = config_.entropy};
  if (constrained_) {
    add_to_means(running_, excess_, updates_, config_.trust_region.smoothing);
    batch.excess = running_;
    batch.cost_advantage.assign(advantages_.begin() + 1, advantages_.end());
  }
  const CpoResult step =
      cpo_step(*actor_, rollout_, batch, config_.trust_region, split(key, static_cast<std::uint64_t>(config_.epochs)));
  report.entropy = step.entropy, report.kl = step.kl, report.passes = step.moved ? 1 : 0;
  if (constrained_) report.multipliers = step.multipliers;
  tally_.add_step(-step.gain, step.gradient_norm);
  for (int pass = 0; pass < config_.epochs; ++pass)
    each_minibatch(rows_, row_results_.size(), split(key, static_cast<std::uint64_t>(pass)),
                   [&](std::span<const std::uint32_t> rows) { learn_values(rows); });
}

void ActorLearner::save(Hdf5Writer& file, const std::string& name) const {
  actor_->save(file, name + "/actor");
  file.write(name + "/counters", std::vector<std::int64_t>{updates_, actor_->adam().steps()});
  for (std::size_t i = 0; i < critics_.size(); ++i) critics_[i].save(file, fmt::format("{}/critic_{}", name, i));
  for (std::size_t i = 0; i < multipliers_.size(); ++i)
    file.write(fmt::format("{}/multiplier_{}", name, i), multipliers_[i].state());
  if (!against_sum_.empty()) file.write(name + "/against", against_sum_);
  if (!running_.empty()) file.write(name + "/excess", running_);
  if (!weight_sum_.empty()) {
    file.write(name + "/averaged", std::vector<std::int64_t>{averaged_});
    file.write(name + "/weight_sum", weight_sum_);
  }
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
  if (!against_sum_.empty())
    against_sum_ = file.checked(AgainstSum{multipliers_.size(), file.read<double>(name + "/against")}).values;
  if (!running_.empty())
    running_ = file.checked(RunningExcess{running_.size(), file.read<double>(name + "/excess")}).values;
  if (!weight_sum_.empty()) {
    averaged_ = read_counters(file, name + "/averaged", 1)[0];
    weight_sum_ = file.checked(WeightSum{actor_->size(), averaged_, file.read<double>(name + "/weight_sum")}).values;
  }
  // Of a training that goes on for longer, what was its end is no more.
  if (averaged_ != updates_to_average()) std::fill(weight_sum_.begin(), weight_sum_.end(), 0.0), averaged_ = 0;
  take_stats();
}

}  // namespace swipegym
