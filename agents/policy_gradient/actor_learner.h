#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/learner.h"
#include "agents/policy_gradient/actor_config.h"
#include "agents/policy_gradient/candidate_scorer.h"
#include "agents/policy_gradient/cost_meter.h"
#include "agents/policy_gradient/policy_loss.h"
#include "agents/state_critic.h"

namespace swipegym {

/// What a learner of actors says of one update.
struct ActorReport {
  std::int64_t env_steps = 0;
  double reward = 0.0;              // of the world, a video shown
  double entropy = 0.0;             // of the policy after the update, nats
  double kl = 0.0;                  // of the policy that acted from it, nats
  int passes = 0;                   // over the rollout
  std::vector<double> rates;        // of each constraint's signal, a video shown, by the policy that acted
  std::vector<double> multipliers;  // of each constraint, as used in the update
};

/// A learner whose policy is a softmax over the scores of a ValueModel.
class CandidateActor : public Learner {
 public:
  virtual const ValueModel& model() const noexcept = 0;
  virtual const std::vector<ActorReport>& reports() const noexcept = 0;
};

/// On-policy learning of a softmax over candidate sets, p(a | s) = softmax of a ValueNetwork's scores over the allowed
/// candidates of s, with critics V(s): PPO, A2C, REINFORCE, reward-weighted regression, and under constraints RCPO and
/// Lagrangian PPO. With responses r (main) and c_i (Constraint::excess, at most 0 a video where constraint i holds) and
/// multipliers l_i (Multiplier, moved on before the policy),
///   critics "many": A = (A_r - sum_i l_i A_i) / (1 + sum_i l_i), each A standardised within the rollout
///   critics "one":  A of the single response reward_scale r - sum_i l_i c_i
class ActorLearner final : public CandidateActor {
 public:
  ActorLearner(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, std::uint64_t seed, int threads);

  const Policy& policy() const noexcept override { return policy_; }
  const ValueModel& model() const noexcept override { return *model_; }
  const std::vector<ActorReport>& reports() const noexcept override { return reports_; }
  Exploration exploration(std::int64_t) const override { return Exploration::boltzmann(1.0F); }
  void begin(const ObservationView& first) override { rollout_.begin(first); }
  void foresee(const VectorEnv& env, std::span<const std::int32_t> actions) override { meter_.foresee(env, actions); }
  void observe(const StepView& step) override { rollout_.add(step, meter_.costs(step, rollout_.shape().envs)); }
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override;
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

  /// log p of every candidate of states `rows` of any rollout, [rows, m].
  void log_chances(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out);

 private:
  void measure(ActorReport& report);
  void value_responses();
  void combine_advantages();
  void improve(ActorReport& report);
  double critic_step(std::span<const std::uint32_t> rows);
  void fill_response(std::size_t critic, std::span<float> out) const;

  ActorConfig config_;
  int objective_;     // constraint that is the objective, or -1
  bool constrained_;  // multipliers count
  PolicyLoss loss_;
  std::shared_ptr<ValueModel> model_;
  StateEncoder encoder_;
  ValuePolicy policy_;
  CostMeter meter_;
  Rollout rollout_;
  CandidateScorer actor_;
  std::vector<StateCritic> critics_;
  std::vector<Multiplier> multipliers_;
  RandomKey batch_key_;

  std::vector<ActorReport> reports_;
  std::int64_t updates_ = 0;
  LearnerTally tally_;

  // Of the rollout under update.
  std::vector<float> response_, value_, advantage_, old_log_chance_;
  std::vector<std::vector<float>> advantages_, targets_;  // of each critic
  std::vector<std::uint32_t> all_, rows_;                 // every row; the valid ones
  std::vector<PolicyRowResult> row_results_;              // of a minibatch
};

/// Reports as columns of a checkpoint, so that a resumed run shows the curves of an unbroken one.
void save_reports(Hdf5Writer& file, const std::string& name, const std::vector<ActorReport>& reports);
std::vector<ActorReport> load_reports(const Hdf5Reader& file, const std::string& name, std::size_t constraints);

/// Scores [rows, m] of states `rows` into log probabilities, in place.
void scores_to_log_chances(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> scores);

/// Rows in an order drawn from `key`.
void shuffle_rows(std::vector<std::uint32_t>& rows, RandomKey key);

}  // namespace swipegym
