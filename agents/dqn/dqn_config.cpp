#include "agents/dqn/dqn_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/training_memory.h"
#include "core/config.h"
#include "replay/uniform_replay.h"

namespace swipegym {

std::vector<FormerName> former_q_learning_names() {
  std::vector<FormerName> names = former_world_names("");
  for (const char* name : {"history_length", "max_steps"})
    names.push_back({.old = name, .now = std::string("world.") + name});
  return names;
}

void suit_drawn_rewards(DqnConfig& config) {
  config.weight_decay = 0.3;
  config.discount = 0.5F;
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
  check_rewards(c.rewards, c.pessimism);
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
  check(c.network);
  const bool by_members = c.exploration == "ucb" || c.exploration == "thompson";
  require_setting(
      !by_members || (c.outputs_are == "members" && c.network.outputs > 1), "exploration", c.exploration,
      "'epsilon' or 'boltzmann' without members: set outputs_are to 'members' and network.outputs to how many");
}

Exploration exploration_at(const DqnConfig& c, std::int64_t env_steps) {
  const double falling = c.epsilon_share * static_cast<double>(c.env_steps);
  const double share = falling > 0.0 ? std::min(1.0, static_cast<double>(env_steps) / falling) : 1.0;
  const auto falls = [share](float start, float end) {  // rounding must not leave the two
    return std::clamp(start + static_cast<float>(share) * (end - start), std::min(start, end), std::max(start, end));
  };
  if (c.exploration == "ucb" || c.exploration == "thompson") return Exploration::greedy();
  if (c.exploration == "boltzmann") return Exploration::boltzmann(falls(c.temperature_start, c.temperature_end));
  return Exploration::epsilon_greedy(falls(c.epsilon_start, c.epsilon_end));
}

std::int64_t updates_due(const DqnConfig& c, std::int64_t env_steps) {
  return std::max<std::int64_t>(0, env_steps - c.learning_starts) / c.steps_per_update;
}

double share_of(const DqnConfig& c, std::int64_t env_steps) {
  return std::min(1.0, static_cast<double>(env_steps) / static_cast<double>(c.env_steps));
}

UniformReplayConfig replay_config(const DqnConfig& c) {
  return {.capacity = c.replay_capacity,
          .num_envs = c.num_envs,
          .history_length = c.world.history_length,
          .candidates = slots_kept(c)};
}

void gather_user_features(const Catalogue& catalogue, const TransitionBatch& batch, std::vector<float>& out) {
  out.resize(batch.user.size() * kUserFeatures);
  for (std::size_t i = 0; i < batch.user.size(); ++i)
    std::copy_n(catalogue.user_features.data() + std::size_t{batch.user[i]} * kUserFeatures, kUserFeatures,
                &out[i * kUserFeatures]);
}

VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, int threads) {
  return make_env(std::move(simulator), config.world,
                  {.num_envs = config.num_envs,
                   .threads = threads,
                   .rewards = reward_kind(config.rewards),
                   .pessimism = config.pessimism});
}

MemoryBudget q_learning_memory(const Simulator& simulator, const DqnConfig& c) {
  MemoryBudget budget;
  budget.add(fmt::format("{} sessions side by side", c.num_envs),
             env_bytes(simulator, c.world, {.num_envs = c.num_envs}), "num_envs");
  budget.add(fmt::format("a replay buffer of {} steps", c.replay_capacity), UniformReplay::bytes(replay_config(c)),
             "replay_capacity");
  return budget;
}

void add_transitions(MemoryBudget& budget, const DqnConfig& c, const NetworkNumbers& numbers) {
  constexpr std::uint64_t kStates = 2;  // s and s'
  const std::uint64_t a_row =
      product_of({kStates, sum_of({8 * c.world.history_length, product_of({slots_kept(c), 5})})});
  add_batch(budget, c.batch, sum_of({kStates, slots_kept(c)}), numbers, a_row, "batch");
}

MemoryBudget training_memory(const Simulator& simulator, const DqnConfig& c) {
  const Catalogue& catalogue = simulator.catalogue;
  MemoryBudget budget = q_learning_memory(simulator, c);
  if (c.prioritised.enabled)
    budget.add("their priorities", product_of({c.replay_capacity, 2 * sizeof(float)}), "replay_capacity");
  const NetworkNumbers numbers = numbers_of(catalogue, c.network, c.encoder);
  add_network(budget, catalogue, numbers, 2, c.network.width + 1);
  add_transitions(budget, c, numbers);
  if (c.state_value && c.discount > 0.0F)
    budget.add("states s' for V(s')",
               product_of({c.batch, sizeof(float), StateEncoder::state_size(c.encoder, catalogue.num_tags)}), "batch");
  return budget;
}

}  // namespace swipegym
