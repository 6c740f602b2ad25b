#pragma once

#include <memory>
#include <vector>

#include "agents/policy_gradient/actor_learner.h"

namespace swipegym {

/// Two-stage constrained actor-critic (Cai et al., WWW 2023) over candidate sets, where its second stage is exact.
///
/// Stage 1: for each constraint's response an actor and a critic of its own, trained for that response alone (an
/// ActorLearner with that objective), one after the other. Stage 2: an item-feature critic Q(s, a) of the main reward,
///   A(s, b) = Q(s, b) - sum_c p(c | s) Q(s, c)   for every candidate b,
/// in units of one running standard deviation, and the main actor by cross-entropy towards tscac_target(). Bounds do
/// not enter: lambda says how near the main policy stays to the auxiliaries'.
class TscacLearner final : public Learner {
 public:
  TscacLearner(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, std::uint64_t seed, int threads);

  const Policy& policy() const noexcept override;
  std::shared_ptr<const Policy> snapshot() const override { return actor_->snapshot(); }
  const std::vector<ActorReport>& reports() const noexcept { return reports_; }
  Exploration exploration(std::int64_t) const override { return Exploration::boltzmann(1.0F); }
  void begin(const ObservationView& first) override;
  void before_step(const VectorEnv& env, std::span<const std::int32_t> actions) override;
  void observe(const StepView& step) override;
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override;
  std::vector<AgentFigure> figures(std::int64_t begin, std::int64_t end) const override {
    return figures_of(reports_, config_.constraints, begin, end);
  }
  Json details() const override { return updates_json(reports_); }
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

  /// The running standard deviation of the main advantage, in reward units.
  double deviation() const noexcept { return deviation_ / static_cast<double>(config_.reward_scale); }

 private:
  bool stage_one() const noexcept { return learning_ < auxiliaries_.size(); }
  void value_actions();
  void learn_critic(RandomKey key);
  void score_auxiliaries();
  void follow_target(ActorReport& report, RandomKey key);

  ActorConfig config_;
  std::vector<std::unique_ptr<ActorLearner>> auxiliaries_;
  std::unique_ptr<ActorNetwork> actor_, critic_;
  StateEncoder encoder_;
  CostMeter meter_;
  Rollout rollout_;
  RandomKey batch_key_;

  std::vector<ActorReport> reports_;
  std::int64_t steps_ = 0, updates_ = 0;
  std::size_t learning_ = 0;  // the auxiliary that learns in this round; their number once the main actor does
  double deviation_ = 0.0;    // 0: none measured yet
  LearnerTally tally_;

  // Of the rollout under update.
  std::vector<std::uint32_t> all_, rows_;
  std::vector<float> log_prob_, action_value_;  // [state rows, m]
  std::vector<float> value_, advantage_, target_, response_;
  std::vector<float> auxiliary_log_;  // [rows, constraints, m]
  std::vector<float> scratch_;
  std::vector<PolicyRowResult> row_results_;
};

}  // namespace swipegym
