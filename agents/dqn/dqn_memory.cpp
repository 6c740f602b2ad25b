#include <fmt/format.h>

#include "agents/dqn/train_dqn.h"
#include "agents/training_memory.h"
#include "replay/uniform_replay.h"

namespace swipegym {

MemoryBudget training_memory(const Simulator& simulator, const DqnConfig& c) {
  const Catalogue& catalogue = simulator.catalogue;
  const std::size_t kept = c.fresh_candidates > 0 ? 0 : c.world.candidates;
  const UniformReplayConfig replay{.capacity = c.replay_capacity,
                                   .num_envs = c.num_envs,
                                   .history_length = c.world.history_length,
                                   .candidates = kept};
  MemoryBudget budget;
  budget.add(fmt::format("{} sessions side by side", c.num_envs),
             env_bytes(simulator, c.world, {.num_envs = c.num_envs}), "num_envs");
  budget.add(fmt::format("a replay buffer of {} steps", c.replay_capacity), UniformReplay::bytes(replay),
             "replay_capacity");
  if (c.prioritised.enabled)
    budget.add("their priorities", product_of({c.replay_capacity, 2 * sizeof(float)}), "replay_capacity");
  NetworkNumbers numbers = numbers_of(catalogue, c.network, c.encoder);
  if (c.network_kind == "full_output") {
    const auto sizes = layer_sizes(StateEncoder::state_size(c.encoder, catalogue.num_tags), c.full_output_hidden,
                                   c.world.has_shelf() ? c.world.candidates : catalogue.num_videos());
    numbers = {.dense = weights_of(sizes), .tables = 0, .state = 4 * units_of(sizes), .video = 0};
  }
  add_network(budget, catalogue, numbers, 2, c.network.width + 1);
  constexpr std::uint64_t kStates = 2;  // s and s'
  const std::uint64_t a_row = product_of({kStates, sum_of({8 * c.world.history_length, product_of({kept, 5})})});
  add_batch(budget, c.batch, sum_of({kStates, kept}), numbers, a_row, "batch");
  return budget;
}

}  // namespace swipegym
