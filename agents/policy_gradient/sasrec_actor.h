#pragma once

#include <memory>
#include <vector>

#include "agents/agent.h"
#include "agents/policy_gradient/actor_learner.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {

/// Fewer steps and passes than the other actors: its own are dearer.
inline ActorConfig sasrec_actor_defaults() {
  ActorConfig actor;
  actor.env_steps = 122'880, actor.round_steps = 24'576;
  actor.epochs = 2;
  actor.learning_rate = 1e-3, actor.final_learning_rate = 1e-4;
  return actor;
}

/// Settings of `train sasrec-ppo`; a JSON file may set any of them by name.
struct SasrecActorConfig {
  ActorConfig actor = sasrec_actor_defaults();  // what it has in common with the actors of a ValueModel
  float anchor = 0.1F;  // weight of KL(p || p of the policy it started from); nothing without one
  SasrecNetworkConfig network = sqn_network_defaults();  // of an actor that starts from nothing
};

template <class Visitor>
void visit_fields(Visitor& visit, SasrecActorConfig& config) {
  visit_rollouts(visit, config.actor);
  visit_passes(visit, config.actor, ranges::kBatch);
  visit("anchor", config.anchor, ranges::kWeight);
  visit_rates(visit, config.actor);
  visit("network", config.network);
  visit("encoder", config.actor.encoder);  // what the critic sees
}

inline const ActorConfig& acting_settings(const SasrecActorConfig& config) {
  return config.actor;
}
inline std::vector<FormerName> former_names(const SasrecActorConfig&) {
  return former_actor_names();
}
inline Json former_defaults(const SasrecActorConfig&) {
  return Json::parse(R"({"rewards": "drawn"})");
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const SasrecActorConfig& config);
MemoryBudget training_memory(const Simulator& simulator, const SasrecActorConfig& config);

/// PPO on a SASRec whose softmax over the candidates is the policy, with a critic V(s): an ActorLearner. Where the run
/// has a start, a supervised one (`sqn`, `sac`, `sasrec-clicks`, `sasrec-next`), it goes on from its weights and is
/// held near its policy by `anchor`. Making a learner throws InputError for a start that does not rank next videos.
Agent sasrec_ppo_agent(const SasrecActorConfig& config);

/// The learner from this model, or from nothing for null.
std::unique_ptr<ActorLearner> make_sasrec_actor(const std::shared_ptr<const Simulator>& simulator,
                                                const SasrecActorConfig& config, std::uint64_t seed, int threads,
                                                const SasrecModel* start = nullptr);

}  // namespace swipegym
