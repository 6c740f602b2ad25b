#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/agent.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/return_critics.h"

namespace swipegym {

/// As PPO's, but for shorter rounds: in each an env stays with one user.
inline ActorConfig rlur_actor_defaults() {
  ActorConfig actor = actor_defaults("ppo");
  actor.round_steps = 24'576;
  return actor;
}

/// Settings of `train rlur`; a JSON file may set any of them by name.
struct RlurConfig {
  ActorConfig actor = rlur_actor_defaults();  // what it has in common with PPO
  RetentionConfig retention;
};

template <class Visitor>
void visit_fields(Visitor& visit, RlurConfig& config) {
  visit_rollouts(visit, config.actor);
  visit_passes(visit, config.actor, between(0, 16'777'216));
  visit("retention", config.retention);
  visit_rates(visit, config.actor);
  visit("network", config.actor.network);
  visit("encoder", config.actor.encoder);
}

inline const ActorConfig& acting_settings(const RlurConfig& config) {
  return config.actor;
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const RlurConfig& config);
MemoryBudget training_memory(const Simulator& simulator, const RlurConfig& config);
/// Sessions whose users come back for the next one.
VectorEnv make_returning_env(std::shared_ptr<const Simulator> simulator, const RlurConfig& config, int threads);

/// RLUR (Cai et al., "Reinforcing User Retention in a Billion Scale Short Video Recommender System", WWW 2023) over
/// candidate sets. Users come back, so that a return is followed by what the next session brings; critics of returns
/// (ReturnCritics) stand beside one of the world's reward, which knows nothing behind a session's end; the policy is
/// moved by PPO on
///   A = A_reward + weight A_return.
/// The paper's actor draws weights of a ranking by DDPG, its critics are Q(s, a), its retention reward is a ratio to
/// what the user's features foretell, not a difference, and a random network adds curiosity to its immediate reward,
/// which an actor that draws from a softmax with an entropy bonus does without.
class RlurLearner final : public Learner {
 public:
  RlurLearner(const std::shared_ptr<const Simulator>& simulator, const RlurConfig& config, std::uint64_t seed,
              int threads);

  const Policy& policy() const noexcept override { return actor_->policy(); }
  std::shared_ptr<const Policy> snapshot() const override { return actor_->snapshot(); }
  const ReturnCritics& returns() const noexcept { return returns_; }
  Exploration exploration(std::int64_t) const override { return Exploration::boltzmann(1.0F); }
  void begin(const ObservationView& first) override;
  void observe(const StepView& step) override;
  void come_back(const ObservationView& now, std::span<const std::uint8_t> back) override;
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override { return tally_.take(static_cast<std::int64_t>(reports_.size())); }
  std::vector<AgentFigure> figures(std::int64_t begin, std::int64_t end) const override;
  Json details() const override;
  LearnerBytes bytes() const override { return {.network = actor_->bytes()}; }
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

 private:
  void value_rewards();
  void combine_advantages();
  void improve(ActorReport& report);

  RlurConfig config_;
  PolicyLoss loss_;
  std::unique_ptr<ActorNetwork> actor_;
  StateEncoder encoder_;
  Rollout rollout_;
  StateNetwork critic_;
  ReturnCritics returns_;
  RandomKey batch_key_;

  std::vector<ActorReport> reports_;     // of each update
  std::vector<ReturnSums> return_sums_;  // the same
  LearnerTally tally_;

  // Of the rollout under update.
  std::vector<float> response_, value_, next_value_, ended_value_, target_;
  std::vector<float> advantage_, return_advantage_, old_log_prob_;
  std::vector<std::uint32_t> all_, rows_;
  std::vector<PolicyRowResult> row_results_;  // of a minibatch
};

Agent rlur_agent(const RlurConfig& config);

}  // namespace swipegym
