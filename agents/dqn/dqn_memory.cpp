#include <fmt/format.h>

#include "agents/dqn/dqn_config.h"
#include "agents/training_memory.h"
#include "replay/uniform_replay.h"

namespace swipegym {

MemoryBudget q_learning_memory(const Simulator& simulator, const DqnConfig& c) {
  const UniformReplayConfig replay{.capacity = c.replay_capacity,
                                   .num_envs = c.num_envs,
                                   .history_length = c.world.history_length,
                                   .candidates = slots_kept(c)};
  MemoryBudget budget;
  budget.add(fmt::format("{} sessions side by side", c.num_envs),
             env_bytes(simulator, c.world, {.num_envs = c.num_envs}), "num_envs");
  budget.add(fmt::format("a replay buffer of {} steps", c.replay_capacity), UniformReplay::bytes(replay),
             "replay_capacity");
  return budget;
}

MemoryBudget training_memory(const Simulator& simulator, const DqnConfig& c) {
  const Catalogue& catalogue = simulator.catalogue;
  MemoryBudget budget = q_learning_memory(simulator, c);
  if (c.prioritised.enabled)
    budget.add("their priorities", product_of({c.replay_capacity, 2 * sizeof(float)}), "replay_capacity");
  const NetworkNumbers numbers = numbers_of(catalogue, c.network, c.encoder);
  add_network(budget, catalogue, numbers, 2, c.network.width + 1);
  constexpr std::uint64_t kStates = 2;  // s and s'
  const std::uint64_t a_row =
      product_of({kStates, sum_of({8 * c.world.history_length, product_of({slots_kept(c), 5})})});
  add_batch(budget, c.batch, sum_of({kStates, slots_kept(c)}), numbers, a_row, "batch");
  return budget;
}

}  // namespace swipegym
