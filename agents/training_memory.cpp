#include "agents/training_memory.h"

#include <fmt/format.h>

#include "agents/rollout.h"
#include "replay/uniform_replay.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kShardRows = 128;  // rows of a batch whose gradient is kept apart

// Sizes of a value network, as numbers.
struct NetworkNumbers {
  std::uint64_t dense = 0;   // parameters of the towers
  std::uint64_t tables = 0;  // of embeddings
  std::uint64_t state = 0;   // of a pass, a state
  std::uint64_t video = 0;   // of a pass, a video
};

std::uint64_t weights_of(const std::vector<std::size_t>& sizes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 1; i < sizes.size(); ++i) sum = sum_of({sum, product_of({sizes[i - 1] + 1, sizes[i]})});
  return sum;
}

std::uint64_t units_of(const std::vector<std::size_t>& sizes) {
  std::uint64_t sum = 0;
  for (const std::size_t size : sizes) sum = sum_of({sum, size});
  return sum;
}

NetworkNumbers numbers_of(const Catalogue& catalogue, const ValueNetworkConfig& c, const StateEncoderConfig& encoder) {
  const std::size_t state_size = StateEncoder::state_size(encoder, catalogue.num_tags);
  const std::size_t item_size = kVideoFeatures + kDerivedItemFeatures + c.tag_dim + c.author_dim + c.id_dim;
  const auto state = layer_sizes(state_size + c.sequence.width, c.state_hidden, c.width);
  const auto item = layer_sizes(item_size, c.item_hidden, c.width);
  constexpr std::uint64_t kPasses = 3;  // a layer's sums, its outputs and their gradient
  return {.dense = sum_of({weights_of(state), weights_of(item),
                           product_of({c.sequence.blocks, 8, c.sequence.width, c.sequence.width})}),
          .tables = sum_of({product_of({catalogue.num_tags, c.tag_dim}), product_of({65536, c.author_dim}),
                            product_of({65536, c.id_dim})}),
          .state = product_of({kPasses, sum_of({units_of(state), product_of({c.sequence.length, c.sequence.width})})}),
          .video = product_of({kPasses, sum_of({units_of(item), c.interaction_hidden})})};
}

void add_network(MemoryBudget& budget, const Catalogue& catalogue, const NetworkNumbers& numbers, std::uint64_t copies,
                 std::uint64_t table_width) {
  constexpr std::uint64_t kFloats = 3 * sizeof(float);  // a value and its two moments
  const std::uint64_t a_video = sizeof(float) * (kVideoFeatures + kDerivedItemFeatures + table_width) + 20;
  budget.add("the network and what it knows of the videos",
             sum_of({product_of({copies, kFloats, sum_of({numbers.dense, numbers.tables})}),
                     product_of({catalogue.num_videos(), a_video})}),
             "the network's layers");
}

void add_batch(MemoryBudget& budget, std::uint64_t rows, std::uint64_t videos, const NetworkNumbers& numbers,
               std::uint64_t row_bytes, const char* lower) {
  const std::uint64_t passes =
      product_of({rows, sizeof(float), sum_of({numbers.state, product_of({videos, numbers.video})})});
  const std::uint64_t shards = rows / kShardRows + 1;
  budget.add(fmt::format("a batch of {} rows", rows),
             sum_of({passes, product_of({rows, row_bytes}), product_of({shards, sizeof(float), numbers.dense})}),
             lower);
}

}  // namespace

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

MemoryBudget training_memory(const Simulator& simulator, const ActorConfig& c) {
  const Catalogue& catalogue = simulator.catalogue;
  const ActorWorld& world = c.world;
  VectorEnvConfig env;
  env.num_envs = world.num_envs, env.history_length = world.history_length, env.max_steps = world.max_steps;
  env.slate = world.slate;
  env.costs.resize(c.constraints.size());
  MemoryBudget budget;
  budget.add(fmt::format("{} sessions side by side", world.num_envs), VectorEnv::bytes(simulator, world.slots, env),
             "world.num_envs");
  const std::size_t state_size = StateEncoder::state_size(c.encoder, catalogue.num_tags);
  budget.add(fmt::format("their steps between two updates, {} each", c.rollout_steps),
             Rollout::bytes(state_size, {.envs = world.num_envs,
                                         .steps = c.rollout_steps,
                                         .slots = world.slots,
                                         .slate = world.slate,
                                         .costs = c.constraints.size()}),
             "world.num_envs or rollout_steps");
  const NetworkNumbers numbers = numbers_of(catalogue, c.network, c.encoder);
  add_network(budget, catalogue, numbers, 1 + c.constraints.size(), 0);
  const std::uint64_t all = product_of({world.num_envs, c.rollout_steps});
  add_batch(budget, c.minibatch == 0 ? all : std::min<std::uint64_t>(all, c.minibatch), world.slots, numbers, 0,
            "minibatch");
  return budget;
}

}  // namespace swipegym
