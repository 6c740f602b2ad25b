#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agents/gradient_steps.h"
#include "agents/learner.h"
#include "agents/masked_softmax.h"
#include "agents/policy_gradient/actor_config.h"
#include "agents/policy_gradient/actor_network.h"
#include "agents/policy_gradient/actor_reports.h"
#include "agents/policy_gradient/cost_meter.h"
#include "agents/policy_gradient/policy_loss.h"
#include "agents/state_network.h"

namespace swipegym {

/// What holds an actor near the policy it started from, where its network knows one (ActorNetwork::anchor_score).
struct ActorAnchor {
  float weight = 0.0F;          // of KL(p || p of the start) in the loss
  bool own_critic_key = false;  // the one critic is drawn from the critics' key itself, not from its first child
};

/// On-policy learning of a softmax over candidate sets, p(a | s) = softmax of an ActorNetwork's scores over the allowed
/// candidates of s, with critics V(s): PPO, A2C, REINFORCE, reward-weighted regression, and under constraints RCPO,
/// Lagrangian PPO and CPO (cpo_step(), from critics of each response). With responses r (main) and c_i (excess_of(), at
/// most 0 on average where constraint i holds) and multipliers l_i (Multiplier, moved on before the policy),
///   critics "many": A = (A_r - sum_i l_i A_i) / (1 + sum_i l_i), each A standardised within the rollout
///   critics "one":  A of the single response reward_scale r - sum_i l_i c_i
class ActorLearner final : public Learner {
 public:
  /// Of a ValueModel for the simulator's videos.
  ActorLearner(const std::shared_ptr<const Simulator>& simulator, const ActorConfig& config, std::uint64_t seed,
               int threads);
  /// Of any network; of the settings those of its own do not count.
  ActorLearner(const ActorConfig& config, std::unique_ptr<ActorNetwork> actor, const ActorAnchor& anchor,
               std::uint64_t seed, int threads);

  const Policy& policy() const noexcept override { return actor_->policy(); }
  /// With the mean weights of the last updates, where the settings say so.
  std::shared_ptr<const Policy> snapshot() const override;
  const std::vector<ActorReport>& reports() const noexcept { return reports_; }
  Exploration exploration(std::int64_t) const override { return Exploration::boltzmann(1.0F); }
  void begin(const ObservationView& first) override;
  void before_step(const VectorEnv& env, std::span<const std::int32_t> actions) override {
    meter_.before_step(env, actions);
  }
  void observe(const StepView& step) override;
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override { return tally_.take(updates_); }
  std::vector<AgentFigure> figures(std::int64_t begin, std::int64_t end) const override {
    return figures_of(reports_, config_.constraints, begin, end);
  }
  Json details() const override { return updates_json(reports_); }
  LearnerBytes bytes() const override { return {.network = actor_->bytes()}; }
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

  /// log p of every candidate of states `rows` of any rollout, [rows, m].
  void log_probs(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out);

 private:
  void measure(ActorReport& report, double share);
  void value_responses();
  void combine_advantages();
  void improve(ActorReport& report);
  void improve_within_region(ActorReport& report);
  double unit(std::size_t constraint) const noexcept;
  void learn_values(std::span<const std::uint32_t> rows);
  void average_weights();
  std::int64_t updates_to_average() const noexcept;
  void fill_response(std::size_t critic, std::span<float> out) const;

  ActorConfig config_;
  ActorAnchor anchor_;
  int objective_;     // constraint that is the objective, or -1
  bool constrained_;  // multipliers count
  PolicyLoss loss_;
  std::unique_ptr<ActorNetwork> actor_;
  StateEncoder encoder_;
  CostMeter meter_;
  Rollout rollout_;
  std::vector<StateNetwork> critics_;
  std::vector<Multiplier> multipliers_;
  // Of each constraint, what a row is counted against, summed over updates. Their mean is the unit of excesses: a
  // rollout's own would let the sessions with few signals outvote those with many.
  std::vector<double> against_sum_;
  std::vector<double> running_;  // means of excesses over updates, which a trust region goes by
  RandomKey batch_key_;

  std::vector<ActorReport> reports_;
  std::int64_t updates_ = 0;
  LearnerTally tally_;

  std::vector<double> weight_sum_;  // of the actor over the updates that are averaged; empty where none are
  std::int64_t averaged_ = 0;       // how many these are

  // Of the rollout under update.
  std::vector<double> excess_;  // mean a row, of each constraint
  std::vector<float> response_, value_, advantage_, old_log_prob_, anchor_log_prob_;
  std::vector<std::vector<float>> advantages_, targets_;  // of each critic
  std::vector<std::uint32_t> all_, rows_;                 // every row; the valid ones
  std::vector<PolicyRowResult> row_results_;              // of a minibatch
};

/// Scores [rows, m] of states `rows` into log probabilities, in place.
void scores_to_log_probs(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> scores);

/// Lists the valid rows of a full rollout, and reports what it was given.
void measure_rollout(const Rollout& rollout, std::vector<std::uint32_t>& valid_rows, ActorReport& report);

/// A critic of states, as every learner of actors has it. Critic i of a seed begins by split(critic_key(seed), i),
/// apart from the actor.
StateNetwork make_critic(std::size_t state_size, const ActorConfig& config, RandomKey key, int threads);
RandomKey critic_key(std::uint64_t seed);
/// The learning rate after so many env steps, for the update that the report is of.
ActorReport begin_update(const ActorConfig& config, std::int64_t env_steps, Adam& adam);
/// Generalised advantages of a response [rows] under a critic's `value` [state rows]; `next_value` [rows] is of the
/// state that a row led to where that is not the next one.
void rollout_advantages(const Rollout& rollout, const ActorConfig& config, std::span<const float> response,
                        std::span<const float> value, std::span<float> advantage,
                        std::span<const float> next_value = {});
/// The mean of a critic's values, in the reward's unit.
double mean_value(const ActorConfig& config, std::span<const float> value);

/// Calls use(minibatch) for `rows` cut into minibatches, in an order drawn from `key`; the last may be smaller.
template <class Use>
void each_minibatch(std::vector<std::uint32_t>& rows, std::size_t batch, RandomKey key, const Use& use) {
  rows = shuffled(std::move(rows), key);
  for (std::size_t first = 0; first < rows.size(); first += batch)
    use(std::span<const std::uint32_t>(rows).subspan(first, std::min(batch, rows.size() - first)));
}

/// Passes over `rows` in minibatches, as many as the settings say or until the policy has moved far enough. `step` of a
/// minibatch writes `results`, one a row.
template <class Step>
void improve_policy(const ActorConfig& config, std::vector<std::uint32_t>& rows, std::vector<PolicyRowResult>& results,
                    RandomKey key, ActorReport& report, const Step& step) {
  const double count = std::max<double>(1.0, static_cast<double>(rows.size()));
  for (report.passes = 0; report.passes < config.epochs;) {
    double entropy = 0.0, kl = 0.0;
    each_minibatch(rows, results.size(), split(key, static_cast<std::uint64_t>(report.passes)),
                   [&](std::span<const std::uint32_t> minibatch) {
                     step(minibatch);
                     for (std::size_t i = 0; i < minibatch.size(); ++i)
                       entropy += results[i].entropy, kl += results[i].kl;
                   });
    report.entropy = entropy / count, report.kl = kl / count;
    ++report.passes;
    if (config.target_kl > 0.0 && report.kl > config.target_kl) break;
  }
}

}  // namespace swipegym
