#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agents/policy_gradient/multipliers.h"
#include "agents/policy_gradient/trust_region.h"
#include "core/memory_budget.h"
#include "core/range.h"
#include "policy/value/value_network.h"
#include "policy/world.h"

namespace swipegym {

inline constexpr std::string_view kActorAlgorithms[] = {"ppo",  "a2c",        "reinforce", "rwr",
                                                        "rcpo", "lagrangian", "cpo",       "tscac"};

/// kSignalNames, with and without their "is_".
const std::vector<std::string>& constraint_signals();
/// "main", and these.
const std::vector<std::string>& objective_names();

/// A bound on how often a video shown is given a signal; one of the two limits is given.
struct ConstraintConfig {
  std::string signal;      // "like" or "is_like": any of kSignalNames
  double at_least = -1.0;  // negative: no such limit
  double at_most = -1.0;
  /// The limit is not a rate a video shown but a multiple of what a uniform choice among the same candidates would be
  /// given. A few people give most likes; who happens to be among some hundred sessions moves a rate by more than any
  /// policy does, and such a multiple hardly.
  bool relative = false;
  double multiplier = -1.0;  // its own multiplier.initial; -1: that of all
};

template <class Visitor>
void visit_fields(Visitor& visit, ConstraintConfig& config) {
  visit("signal", config.signal, one_of(constraint_signals()));
  visit("at_least", config.at_least, above(0, 100).or_value(-1));
  visit("at_most", config.at_most, above(0, 100).or_value(-1));
  visit("relative", config.relative);
  visit("multiplier", config.multiplier, ranges::kWeight.or_value(-1));
}

/// Settings of the on-policy agents; actor_defaults() says where an algorithm's differ.
struct ActorConfig {
  std::string algorithm = "ppo";  // one of kActorAlgorithms
  WorldConfig world;              // it learns in; slates for reinforce only
  std::size_t num_envs = 256;
  std::string rewards = "expected";  // what the simulator expects of a choice; "drawn": what came of it
  float pessimism =
      0.0F;  // of expected rewards: so many standard deviations over the simulator's members are taken off

  // How much it sees.
  std::int64_t env_steps = 245'760;     // steps of all envs together
  std::int64_t round_steps = 49'152;    // steps between fresh starts of all envs: whole rollouts
  std::size_t rollout_steps = 16;       // of each env between two updates
  std::size_t evaluation_sessions = 0;  // sessions that measure the final policy by the simulator's probabilities

  // The update.
  float discount = 0.9F;
  float gae_lambda = 0.5F;      // 1: whole returns; 0: one step and the critic. Watch times are noisy.
  int epochs = 4;               // passes over a rollout
  std::size_t minibatch = 512;  // rows of a gradient step; 0: the whole rollout
  float clip = 0.2F;            // of the probability ratio (PPO); 0: none
  double target_kl = 0.02;  // no further pass over a rollout once the policy has moved so far (nats); 0: never stops
  float entropy = 0.003F;   // weight of the entropy bonus
  float importance_cap = 10.0F;  // reinforce: cap of the ratio to the policy that acted, from the second pass on
  float regression_beta = 1.0F;  // rwr: weights are exp(standardised advantage / beta)
  float regression_cap = 20.0F;  // rwr: cap of the weights
  bool standardise = true;       // advantages have mean 0 and deviation 1 within a rollout
  float reward_scale = 0.1F;     // rewards are multiplied by this for the critics
  float huber_delta = 50.0F;     // of the critics, in scaled units
  double learning_rate = 2e-3;
  double final_learning_rate = 2e-4;  // reached linearly at the end
  double critic_rate = 1e-3;          // learning rate of the critics
  double clip_norm = 1.0;             // of the actor's gradient; 0: never
  std::vector<std::size_t> critic_hidden = {32};
  double average = 0.0;  // the final policy's weights are means over this last share of the updates; 0: the last ones

  // What it is all for: "main", the world's reward; or the signal of a constraint, whose own bound does not count then:
  // what that response could be at best.
  std::string objective = "main";

  // Constraints, on rates a video. Every algorithm measures them; rcpo, lagrangian and cpo keep them, tscac takes them
  // as its auxiliary responses.
  std::vector<ConstraintConfig> constraints;
  bool expected_signals = true;  // rates are the simulator's probabilities; false: what users happened to do
  std::string critics = "many";  // many: one a response; one: of the penalised reward (rcpo)
  MultiplierConfig multiplier;
  TrustRegionConfig trust_region;  // cpo; of the passes above only the critics' count there

  // tscac.
  double tscac_lambda = 1.0;              // of each auxiliary, in standard deviations of the main advantage
  std::int64_t auxiliary_steps = 49'152;  // env steps to learn each auxiliary's own policy in: whole rounds

  ValueNetworkConfig network = small_value_network();
  StateEncoderConfig encoder;
};

/// What all on-policy agents have in common: where and how long they act, how they improve, and how fast.
template <class Visitor>
void visit_rollouts(Visitor& visit, ActorConfig& config) {
  visit("world", config.world);
  visit("num_envs", config.num_envs, ranges::kEnvs);
  visit("rewards", config.rewards, reward_kinds());
  visit("pessimism", config.pessimism, kPessimism);
  visit("env_steps", config.env_steps, ranges::kEnvSteps);
  visit("round_steps", config.round_steps, ranges::kEnvSteps);
  visit("rollout_steps", config.rollout_steps, between(1, 1'000'000));
}
template <class Visitor>
void visit_passes(Visitor& visit, ActorConfig& config, const Range& minibatch) {
  visit("discount", config.discount, between(0, 1));
  visit("gae_lambda", config.gae_lambda, between(0, 1));
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("minibatch", config.minibatch, minibatch);
  visit("clip", config.clip, below(0, 1));
  visit("target_kl", config.target_kl, ranges::kWeight);
  visit("entropy", config.entropy, ranges::kWeight);
}
template <class Visitor>
void visit_rates(Visitor& visit, ActorConfig& config) {
  visit("reward_scale", config.reward_scale, between(1e-6, 1e6));
  visit("huber_delta", config.huber_delta, between(1e-6, 1e9));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("final_learning_rate", config.final_learning_rate, ranges::kFinalLearningRate);
  visit("critic_rate", config.critic_rate, ranges::kLearningRate);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("critic_hidden", config.critic_hidden, ranges::kUnits, ranges::kLayersOrNone);
}

template <class Visitor>
void visit_fields(Visitor& visit, ActorConfig& config) {
  visit("algorithm", config.algorithm, one_of(kActorAlgorithms));
  visit_rollouts(visit, config);
  visit("evaluation_sessions", config.evaluation_sessions, between(0, 1'000'000'000));
  visit_passes(visit, config, between(0, 16'777'216));
  visit("importance_cap", config.importance_cap, between(1, 1e6));
  visit("regression_beta", config.regression_beta, between(1e-3, 1e6));
  visit("regression_cap", config.regression_cap, between(1e-3, 1e6));
  visit("standardise", config.standardise);
  visit_rates(visit, config);
  visit("average", config.average, between(0, 1));
  visit("objective", config.objective, one_of(objective_names()));
  visit("constraints", config.constraints, lengths(0, kNumSignals));
  visit("expected_signals", config.expected_signals);
  visit("critics", config.critics, one_of({"many", "one"}));
  visit("multiplier", config.multiplier);
  visit("trust_region", config.trust_region);
  visit("tscac_lambda", config.tscac_lambda, between(1e-6, 1e6));
  visit("auxiliary_steps", config.auxiliary_steps, ranges::kEnvSteps);
  visit("network", config.network);
  visit("encoder", config.encoder);
}

/// The defaults of an algorithm. Throws InputError for a name that is none.
ActorConfig actor_defaults(std::string_view algorithm);

/// What the world of on-policy agents was called before.
std::vector<FormerName> former_actor_names();
inline Json former_defaults(const ActorConfig&) {
  return Json::parse(R"({"rewards": "drawn"})");
}
inline std::vector<FormerName> former_names(const ActorConfig&) {
  return former_actor_names();
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const ActorConfig& config);

/// A constraint as a learner uses it: a limit on E[given] / E[counted against] (excess_of()).
struct Constraint {
  std::size_t signal = 0;   // index into kSignalNames
  double rate = 0.0;        // the limit on the signal's rate
  double sign = 1.0;        // 1: at most; -1: at least
  bool relative = false;    // rates are multiples of a uniform choice's
  double multiplier = 0.0;  // at first
};
std::vector<Constraint> parse_constraints(const ActorConfig& config);

/// Index of the constraint whose response is the objective; -1: the world's reward is.
int objective_index(const ActorConfig& config);

/// The environment the settings ask for; cost i is the signal of constraint i.
VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, int threads);

/// What a training takes of memory beside its simulator, part by part: sessions, rollouts, the network with its tables,
/// the passes and gradients of a batch.
MemoryBudget training_memory(const Simulator& simulator, const ActorConfig& config);
/// `count` critics with these hidden layers; `lower` names the setting that has them.
void add_critics(MemoryBudget& budget, const Simulator& simulator, const ActorConfig& config, std::uint64_t count,
                 const std::vector<std::size_t>& hidden, const char* lower);
/// The sessions and their rollout, of any network.
MemoryBudget rollout_memory(const Simulator& simulator, const ActorConfig& config);

}  // namespace swipegym
