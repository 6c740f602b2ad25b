#pragma once

#include <memory>
#include <vector>

#include "agents/agent.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/sasrec_scorer.h"
#include "core/range.h"

namespace swipegym {

/// Settings of `train sasrec-ppo`; a JSON file may set any of them by name.
struct SasrecActorConfig {
  WorldConfig world;  // it learns in; one video a step
  std::size_t num_envs = 256;
  std::int64_t env_steps = 122'880;   // steps of all envs together
  std::int64_t round_steps = 24'576;  // steps between fresh starts of all envs: whole rollouts
  std::size_t rollout_steps = 16;     // of each env between two updates
  float discount = 0.9F;
  float gae_lambda = 0.5F;
  int epochs = 2;  // passes over a rollout
  std::size_t minibatch = 512;
  float clip = 0.2F;          // of the probability ratio
  double target_kl = 0.02;    // no further pass over a rollout once the policy has moved so far; 0: never stops
  float entropy = 0.003F;     // weight of the entropy bonus
  float anchor = 0.1F;        // weight of KL(p || p of the policy it started from); nothing without one
  float reward_scale = 0.1F;  // rewards are multiplied by this for the critic
  float huber_delta = 50.0F;  // of the critic, in scaled units
  double learning_rate = 1e-3;
  double final_learning_rate = 1e-4;  // reached linearly at the end
  double critic_rate = 1e-3;
  double clip_norm = 1.0;  // of the actor's gradient; 0: never
  std::vector<std::size_t> critic_hidden = {32};
  SasrecNetworkConfig network = sqn_network_defaults();  // of an actor that starts from nothing
  StateEncoderConfig encoder;                            // what the critic sees
};

template <class Visitor>
void visit_fields(Visitor& visit, SasrecActorConfig& config) {
  visit("world", config.world);
  visit("num_envs", config.num_envs, ranges::kEnvs);
  visit("env_steps", config.env_steps, ranges::kEnvSteps);
  visit("round_steps", config.round_steps, ranges::kEnvSteps);
  visit("rollout_steps", config.rollout_steps, between(1, 1'000'000));
  visit("discount", config.discount, between(0, 1));
  visit("gae_lambda", config.gae_lambda, between(0, 1));
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("minibatch", config.minibatch, ranges::kBatch);
  visit("clip", config.clip, below(0, 1));
  visit("target_kl", config.target_kl, ranges::kWeight);
  visit("entropy", config.entropy, ranges::kWeight);
  visit("anchor", config.anchor, ranges::kWeight);
  visit("reward_scale", config.reward_scale, between(1e-6, 1e6));
  visit("huber_delta", config.huber_delta, between(1e-6, 1e9));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("final_learning_rate", config.final_learning_rate, ranges::kFinalLearningRate);
  visit("critic_rate", config.critic_rate, ranges::kLearningRate);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("critic_hidden", config.critic_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("network", config.network);
  visit("encoder", config.encoder);
}

inline std::vector<FormerName> former_names(const SasrecActorConfig&) {
  return former_actor_names();
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const SasrecActorConfig& config);
VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const SasrecActorConfig& config, int threads);
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
