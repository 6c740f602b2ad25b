#include "agents/dqn/dqn_config.h"

#include <algorithm>

#include "core/config.h"
#include "policy/retrieval.h"

namespace swipegym {
void check(const DqnConfig& c) {
  check_ranges(c);
  require_setting(!is_full(c) || c.fresh_candidates > 0, "fresh_candidates", c.fresh_candidates,
                  "at least 1 with the full catalogue: how many drawn videos stand in for it in the maximum of s'");
  const bool by_features = c.network_kind == "item_features";
  require_setting(
      !by_features || !is_full(c) || c.target_rate == 1.0F, "target_rate", c.target_rate,
      "1 with the full catalogue: it acts by the target network, whose table of all videos is renewed with a copy");
  require_setting(!by_features || c.fresh_candidates == 0 || c.network.interaction_hidden == 0,
                  "network.interaction_hidden", c.network.interaction_hidden,
                  "0 with fresh_candidates, whose network must be a product");
  require_setting(!by_features || c.fresh_candidates == 0 || !c.encoder.cross, "encoder.cross", c.encoder.cross,
                  "false with fresh_candidates, whose network must be a product");
  require_setting(c.fresh_candidates == 0 || is_full(c) || c.candidates == "random", "fresh_candidates",
                  c.fresh_candidates, "0 unless candidates is 'random' or 'full'");
  require_setting(c.replay_capacity >= c.num_envs, "replay_capacity", c.replay_capacity, "at least num_envs");
  require_setting(static_cast<std::size_t>(c.n_step) <= c.history_length, "n_step", c.n_step, "1 to history_length");
  if (c.network_kind == "full_output") {
    require_setting(
        has_shelf(c) || c.candidates == "random" || is_full(c), "candidates", c.candidates,
        "'top' or 'sample' (an output a slot), 'random' or 'full' (one a video of the catalogue) with the network_kind "
        "full_output");
    require_setting(is_full(c) || c.slots <= kMostOutputs, "slots", c.slots,
                    "at most 10000 with the network_kind full_output");
    require_setting(!c.prioritised.enabled, "prioritised.enabled", c.prioritised.enabled,
                    "false with the network_kind full_output");
    require_setting(!c.network.sequence.enabled(), "network.sequence", c.network.sequence.kind,
                    "'none' with the network_kind full_output");
  }
  check(c.network.sequence);
}

Exploration exploration_at(const DqnConfig& c, std::int64_t env_steps) {
  const double falling = c.epsilon_share * static_cast<double>(c.env_steps);
  const double share = falling > 0.0 ? std::min(1.0, static_cast<double>(env_steps) / falling) : 1.0;
  const auto falls = [share](float start, float end) {  // rounding must not leave the two
    return std::clamp(start + static_cast<float>(share) * (end - start), std::min(start, end), std::max(start, end));
  };
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
