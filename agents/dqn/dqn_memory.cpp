#include <fmt/format.h>

#include "agents/dqn/train_dqn.h"
#include "agents/training_memory.h"
#include "replay/uniform_replay.h"

namespace swipegym {

MemoryBudget training_memory(const Simulator& simulator, const DqnConfig& c) {
  const Catalogue& catalogue = simulator.catalogue;
  const std::size_t slots = is_full(c) ? 0 : c.slots, kept = c.fresh_candidates > 0 ? 0 : c.slots;
  VectorEnvConfig env;
  env.num_envs = c.num_envs, env.history_length = c.history_length, env.max_steps = c.max_steps;
  const UniformReplayConfig replay{
      .capacity = c.replay_capacity, .num_envs = c.num_envs, .history_length = c.history_length, .candidates = kept};
  MemoryBudget budget;
  budget.add(fmt::format("{} sessions side by side", c.num_envs), VectorEnv::bytes(simulator, slots, env), "num_envs");
  budget.add(fmt::format("a replay buffer of {} steps", c.replay_capacity), UniformReplay::bytes(replay),
             "replay_capacity");
  if (c.prioritised.enabled)
    budget.add("their priorities", product_of({c.replay_capacity, 2 * sizeof(float)}), "replay_capacity");
  NetworkNumbers numbers = numbers_of(catalogue, c.network, c.encoder);
  if (c.network_kind == "full_output") {
    const auto sizes = layer_sizes(StateEncoder::state_size(c.encoder, catalogue.num_tags), c.full_output_hidden,
                                   has_shelf(c) ? c.slots : catalogue.num_videos());
    numbers = {.dense = weights_of(sizes), .tables = 0, .state = 4 * units_of(sizes), .video = 0};
  }
  add_network(budget, catalogue, numbers, 2, c.network.width + 1);
  constexpr std::uint64_t kStates = 2;  // s and s'
  const std::uint64_t a_row = product_of({kStates, sum_of({8 * c.history_length, product_of({kept, 5})})});
  add_batch(budget, c.batch, sum_of({kStates, kept}), numbers, a_row, "batch");
  return budget;
}

}  // namespace swipegym
