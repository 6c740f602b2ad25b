#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agents/training_memory.h"
#include "core/memory_budget.h"
#include "core/range.h"
#include "policy/select.h"
#include "policy/value/value_network.h"
#include "policy/world.h"
#include "replay/uniform_replay.h"

namespace swipegym {

/// Learning more often from transitions whose error was large (replay/priority_sampler.h).
struct PrioritisedReplayConfig {
  bool enabled = false;
  float alpha = 0.6F;  // 0: all alike; 1: proportional to the error
  float beta = 0.4F;   // how far weights undo the uneven draw at first; rises linearly to 1, all of it, at the end
  float error_floor = 0.01F;  // added to every error, in scaled units
  float error_limit = 0.0F;   // errors count for this much at most, in scaled units; 0: no limit
};

template <class Visitor>
void visit_fields(Visitor& visit, PrioritisedReplayConfig& config) {
  visit("enabled", config.enabled);
  visit("alpha", config.alpha, between(0, 2));
  visit("beta", config.beta, between(0, 1));
  visit("error_floor", config.error_floor, between(1e-6, 1e6));
  visit("error_limit", config.error_limit, between(0, 1e9));
}

/// Settings of `train dqn`; a JSON file may set any of them by name.
struct DqnConfig {
  WorldConfig world;  // it learns in; one video a step
  std::size_t num_envs = 256;
  std::string rewards = "expected";  // what the simulator expects of a choice; "drawn": what came of it
  float pessimism =
      0.0F;  // of expected rewards: so many standard deviations over the simulator's members are taken off

  // How much it sees and learns.
  std::int64_t env_steps = 400'000;       // steps of all envs together
  std::int64_t round_steps = 100'000;     // steps between fresh starts of all envs; checkpoints lie at their borders
  std::int64_t learning_starts = 20'000;  // steps before the first update
  std::int64_t steps_per_update = 64;     // of all envs together
  std::size_t replay_capacity = 1'000'000;
  std::size_t batch = 512;
  PrioritisedReplayConfig prioritised;

  // The update.
  float discount = 0.9F;
  int n_step = 1;
  /// Videos drawn anew for the maximum in s', instead of the candidates that s' was offered, which then need not be
  /// remembered; 0: those offered. The full catalogue needs it, and either needs a network that is a product:
  /// {"network": {"interaction_hidden": 0}, "encoder": {"cross": false}}.
  std::size_t fresh_candidates = 0;
  bool state_value = true;    // s' counts for V'(s'), the mean of that maximum over what s' might have been offered
  bool double_q = true;       // the online network chooses in s', the target network values the choice
  float reward_scale = 0.1F;  // rewards are multiplied by this inside the network
  float huber_delta = 50.0F;  // in scaled units; watch times are skewed, and a small delta would learn medians
  double learning_rate = 1e-3;
  double final_learning_rate = 5e-5;  // reached linearly at the end
  double weight_decay = 0.01;
  double clip_norm = 10.0;
  std::int64_t target_every =
      200;  // updates between copies into the target network; with target_rate < 1, of each step towards it
  float target_rate = 1.0F;  // 1: a hard copy; below: target += rate * (online - target)

  // Exploration: epsilon, or the temperature, falls linearly over the first part of the steps.
  std::string exploration =
      "epsilon";  // "epsilon": greedy but for a share of uniform draws; "boltzmann": softmax(Q / t); with members
                  // "ucb": by the mean and ucb_deviations of them, "thompson": each env by one of them
  float ucb_deviations = 1.0F;
  float epsilon_start = 1.0F;
  float epsilon_end = 0.05F;
  float temperature_start = 10.0F;  // of Q in scaled units
  float temperature_end = 0.3F;
  double epsilon_share = 0.3;  // of env_steps, for either

  std::string outputs_are = "quantiles";  // what network.outputs are where there are several: quantiles of what comes,
                                          // or "members" of an ensemble that learn from half of the steps each
  ValueNetworkConfig network = small_value_network();
  StateEncoderConfig encoder;
};

/// What all networks that learn by Q-learning have in common.
template <class Visitor>
void visit_q_learning(Visitor& visit, DqnConfig& config) {
  visit("world", config.world);
  visit("num_envs", config.num_envs, ranges::kEnvs);
  visit("rewards", config.rewards, reward_kinds());
  visit("pessimism", config.pessimism, kPessimism);
  visit("env_steps", config.env_steps, ranges::kEnvSteps);
  visit("round_steps", config.round_steps, ranges::kEnvSteps);
  visit("learning_starts", config.learning_starts, between(0, 1'000'000'000'000));
  visit("steps_per_update", config.steps_per_update, ranges::kEnvSteps);
  visit("replay_capacity", config.replay_capacity, between(1, 1'000'000'000));
  visit("batch", config.batch, ranges::kBatch);
  visit("discount", config.discount, between(0, 1));
  visit("n_step", config.n_step, between(1, 200));
  visit("fresh_candidates", config.fresh_candidates, between(0, 100'000'000));
  visit("double_q", config.double_q);
  visit("reward_scale", config.reward_scale, between(1e-6, 1e6));
  visit("huber_delta", config.huber_delta, between(1e-6, 1e9));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("final_learning_rate", config.final_learning_rate, ranges::kFinalLearningRate);
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("target_every", config.target_every, ranges::kEnvSteps);
  visit("target_rate", config.target_rate, between(1e-6, 1));
  visit("exploration", config.exploration, one_of({"epsilon", "boltzmann", "ucb", "thompson"}));
  visit("epsilon_start", config.epsilon_start, ranges::kProbability);
  visit("epsilon_end", config.epsilon_end, ranges::kProbability);
  visit("temperature_start", config.temperature_start, ranges::kTemperature);
  visit("temperature_end", config.temperature_end, ranges::kTemperature);
  visit("epsilon_share", config.epsilon_share, between(0, 1));
  visit("encoder", config.encoder);
}

template <class Visitor>
void visit_fields(Visitor& visit, DqnConfig& config) {
  visit_q_learning(visit, config);
  visit("prioritised", config.prioritised);
  visit("state_value", config.state_value);
  visit("ucb_deviations", config.ucb_deviations, between(0, 100));
  visit("outputs_are", config.outputs_are, one_of({"quantiles", "members"}));
  visit("network", config.network);
}

/// Defaults for drawn rewards: weights that decay, or the network would learn their noise, and a short horizon, since a
/// leave that is drawn takes all of the future with it (docs/results/learning.md).
void suit_drawn_rewards(DqnConfig& config);

std::vector<FormerName> former_names(const DqnConfig& config);
inline Json former_defaults(const DqnConfig&) {
  return Json::parse(R"({"rewards": "drawn", "state_value": false})");
}
std::vector<FormerName> former_q_learning_names();

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const DqnConfig& config);
/// The same of what all networks have in common.
void check_q_learning(const DqnConfig& config);

/// What a training takes of memory beside its simulator, part by part: sessions, replay, the network with its tables,
/// the passes and gradients of a batch.
MemoryBudget training_memory(const Simulator& simulator, const DqnConfig& config);
/// The sessions and the replay buffer of any network; the videos' slots that the buffer keeps a step.
MemoryBudget q_learning_memory(const Simulator& simulator, const DqnConfig& config);
inline std::size_t slots_kept(const DqnConfig& config) {
  return config.fresh_candidates > 0 ? 0 : config.world.candidates;
}

/// A batch of transitions of any network.
void add_transitions(MemoryBudget& budget, const DqnConfig& config, const NetworkNumbers& numbers);

UniformReplayConfig replay_config(const DqnConfig& config);
/// [rows, kUserFeatures] of a batch's users.
void gather_user_features(const Catalogue& catalogue, const TransitionBatch& batch, std::vector<float>& out);

/// How they explore, how many updates are due and which share of the training is over after this many env steps.
Exploration exploration_at(const DqnConfig& config, std::int64_t env_steps);
std::int64_t updates_due(const DqnConfig& config, std::int64_t env_steps);
double share_of(const DqnConfig& config, std::int64_t env_steps);

/// The environment the settings ask for.
VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, int threads);

}  // namespace swipegym
