#include "agents/dqn_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "policy/retrieval.h"

namespace swipegym {
namespace {

template <class T>
void require(bool holds, const char* name, T value, const char* expected) {
  if (!holds) throw InputError(fmt::format("setting '{}' is {}, expected {}", name, value, expected));
}

}  // namespace

void check(const DqnConfig& c) {
  require(c.slots >= 1, "slots", c.slots, "at least 1 candidate");
  require(!is_full(c) || c.fresh_candidates > 0, "fresh_candidates", c.fresh_candidates,
          "at least 1 with the full catalogue: how many drawn videos stand in for it in the maximum of s'");
  const bool by_features = c.network_kind == "item_features";
  require(!by_features || !is_full(c) || c.target_rate == 1.0F, "target_rate", c.target_rate,
          "1 with the full catalogue: it acts by the target network, whose table of all videos is renewed with a copy");
  require(!by_features || c.fresh_candidates == 0 || c.network.interaction_hidden == 0, "network.interaction_hidden",
          c.network.interaction_hidden, "0 with fresh_candidates, whose network must be a product");
  require(!by_features || c.fresh_candidates == 0 || !c.encoder.cross, "encoder.cross", c.encoder.cross,
          "false with fresh_candidates, whose network must be a product");
  require(c.fresh_candidates == 0 || is_full(c) || c.candidates == "random", "fresh_candidates", c.fresh_candidates,
          "0 unless candidates is 'random' or 'full'");
  require(c.num_envs >= 1, "num_envs", c.num_envs, "at least 1");
  require(c.history_length >= 1 && c.history_length <= 200, "history_length", c.history_length, "1 to 200");
  require(c.max_steps >= 1, "max_steps", c.max_steps, "at least 1");
  require(c.reward_signals.empty() || c.reward_signals.size() == kNumSignals, "reward_signals", c.reward_signals.size(),
          "a list of 8 weights, or none");
  require(c.env_steps >= 1, "env_steps", c.env_steps, "at least 1");
  require(c.round_steps >= 1, "round_steps", c.round_steps, "at least 1");
  require(c.learning_starts >= 0, "learning_starts", c.learning_starts, "at least 0");
  require(c.steps_per_update >= 1, "steps_per_update", c.steps_per_update, "at least 1");
  require(c.replay_capacity >= c.num_envs, "replay_capacity", c.replay_capacity, "at least num_envs");
  require(c.batch >= 1, "batch", c.batch, "at least 1");
  require(c.discount >= 0.0F && c.discount <= 1.0F, "discount", c.discount, "a number from 0 to 1");
  require(c.n_step >= 1 && static_cast<std::size_t>(c.n_step) <= c.history_length, "n_step", c.n_step,
          "1 to history_length");
  require(c.reward_scale > 0.0F, "reward_scale", c.reward_scale, "a positive number");
  require(c.huber_delta > 0.0F, "huber_delta", c.huber_delta, "a positive number");
  require(c.learning_rate > 0.0, "learning_rate", c.learning_rate, "a positive number");
  require(c.final_learning_rate >= 0.0, "final_learning_rate", c.final_learning_rate, "at least 0");
  require(c.weight_decay >= 0.0, "weight_decay", c.weight_decay, "at least 0");
  require(c.clip_norm >= 0.0, "clip_norm", c.clip_norm, "at least 0; 0 means no clipping");
  require(c.target_every >= 1, "target_every", c.target_every, "at least 1");
  require(c.target_rate > 0.0F && c.target_rate <= 1.0F, "target_rate", c.target_rate, "a number in (0, 1]");
  const PrioritisedReplayConfig& p = c.prioritised;
  require(p.alpha >= 0.0F && p.alpha <= 2.0F, "prioritised.alpha", p.alpha, "a number from 0 to 2");
  require(p.beta >= 0.0F && p.beta <= 1.0F, "prioritised.beta", p.beta, "a number from 0 to 1");
  require(p.error_floor > 0.0F, "prioritised.error_floor", p.error_floor, "a positive number");
  require(p.error_limit >= 0.0F, "prioritised.error_limit", p.error_limit, "at least 0; 0 means no limit");
  require(c.exploration == "epsilon" || c.exploration == "boltzmann", "exploration", c.exploration,
          "'epsilon' or 'boltzmann'");
  require(c.temperature_start > 0.0F, "temperature_start", c.temperature_start, "a positive number");
  require(c.temperature_end > 0.0F, "temperature_end", c.temperature_end, "a positive number");
  require(c.epsilon_start >= 0.0F && c.epsilon_start <= 1.0F, "epsilon_start", c.epsilon_start, "a number from 0 to 1");
  require(c.epsilon_end >= 0.0F && c.epsilon_end <= 1.0F, "epsilon_end", c.epsilon_end, "a number from 0 to 1");
  require(c.epsilon_share >= 0.0 && c.epsilon_share <= 1.0, "epsilon_share", c.epsilon_share, "a number from 0 to 1");
  for (const auto& layers : {c.network.state_hidden, c.network.item_hidden})
    for (const std::size_t units : layers) require(units >= 1, "network hidden layer", units, "at least 1 unit");
  require(c.network_kind == "item_features" || c.network_kind == "full_output", "network_kind", c.network_kind,
          "'item_features' or 'full_output'");
  if (c.network_kind == "full_output") {
    require(
        has_shelf(c) || c.candidates == "random" || is_full(c), "candidates", c.candidates,
        "'top' or 'sample' (an output a slot), 'random' or 'full' (one a video of the catalogue) with the network_kind "
        "full_output");
    require(is_full(c) || c.slots <= kMostOutputs, "slots", c.slots, "at most 10000 with the network_kind full_output");
    require(!c.prioritised.enabled, "prioritised.enabled", c.prioritised.enabled,
            "false with the network_kind full_output");
    require(!c.network.sequence.enabled(), "network.sequence", c.network.sequence.kind,
            "'none' with the network_kind full_output");
    require(!c.full_output_hidden.empty(), "full_output_hidden", c.full_output_hidden.size(),
            "at least one hidden layer");
    for (const std::size_t units : c.full_output_hidden)
      require(units >= 1, "full_output_hidden", units, "at least 1 unit a layer");
  }
  require(c.network.width >= 1, "network.width", c.network.width, "at least 1");
  check(c.network.sequence);
}

Exploration exploration_at(const DqnConfig& c, std::int64_t env_steps) {
  const double falling = c.epsilon_share * static_cast<double>(c.env_steps);
  const double share = falling > 0.0 ? std::min(1.0, static_cast<double>(env_steps) / falling) : 1.0;
  const auto falls = [share](float start, float end) { return start + static_cast<float>(share) * (end - start); };
  if (c.exploration == "boltzmann") return Exploration::boltzmann(falls(c.temperature_start, c.temperature_end));
  return Exploration::epsilon_greedy(falls(c.epsilon_start, c.epsilon_end));
}

RewardWeights reward_weights(const DqnConfig& config) {
  RewardWeights weights{.watch_s = config.reward_watch_s,
                        .watch_ratio = config.reward_watch_ratio,
                        .return_day = config.reward_return_day,
                        .gap_h = config.reward_gap_h};
  for (std::size_t i = 0; i < config.reward_signals.size(); ++i) weights.signal[i] = config.reward_signals[i];
  return weights;
}

VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, int threads) {
  auto source = make_candidates(config.candidates, simulator, config.slots, 0, threads);
  VectorEnvConfig env;
  env.num_envs = config.num_envs;
  env.threads = threads;
  env.history_length = config.history_length;
  env.max_steps = config.max_steps;
  env.reward = reward_weights(config);
  return VectorEnv(std::move(simulator), std::move(source), env);
}

}  // namespace swipegym
