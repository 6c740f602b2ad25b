#include "agents/dqn/dqn_config.h"

#include <algorithm>

#include "core/config.h"

namespace swipegym {

std::vector<FormerName> former_q_learning_names() {
  std::vector<FormerName> names = former_world_names("");
  for (const char* name : {"history_length", "max_steps"})
    names.push_back({.old = name, .now = std::string("world.") + name});
  return names;
}

std::vector<FormerName> former_names(const DqnConfig&) {
  std::vector<FormerName> names = former_q_learning_names();
  names.push_back({.old = "network_kind", .only = "item_features", .instead = "'train full-output' has the other one"});
  names.push_back({.old = "full_output_hidden", .instead = "it is a setting of 'train full-output'"});
  return names;
}

void check_q_learning(const DqnConfig& c) {
  check_ranges(c);
  check_agent_world(c.world, false);
  require_setting(!c.world.offers_all() || c.fresh_candidates > 0, "fresh_candidates", c.fresh_candidates,
                  "at least 1 with the full catalogue: how many drawn videos stand in for it in the maximum of s'");
  require_setting(c.fresh_candidates == 0 || c.world.offers_all() || c.world.source == "random", "fresh_candidates",
                  c.fresh_candidates, "0 unless world.source is 'random' or 'full'");
  require_setting(c.replay_capacity >= c.num_envs, "replay_capacity", c.replay_capacity, "at least num_envs");
  require_setting(static_cast<std::size_t>(c.n_step) <= c.world.history_length, "n_step", c.n_step,
                  "1 to world.history_length");
}

void check(const DqnConfig& c) {
  check_q_learning(c);
  require_setting(
      !c.world.offers_all() || c.target_rate == 1.0F, "target_rate", c.target_rate,
      "1 with the full catalogue: it acts by the target network, whose table of all videos is renewed with a copy");
  require_setting(c.fresh_candidates == 0 || c.network.interaction_hidden == 0, "network.interaction_hidden",
                  c.network.interaction_hidden, "0 with fresh_candidates, whose network must be a product");
  require_setting(c.fresh_candidates == 0 || !c.encoder.cross, "encoder.cross", c.encoder.cross,
                  "false with fresh_candidates, whose network must be a product");
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

VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, int threads) {
  return make_env(std::move(simulator), config.world, {.num_envs = config.num_envs, .threads = threads});
}

}  // namespace swipegym
