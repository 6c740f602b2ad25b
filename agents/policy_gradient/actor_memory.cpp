#include <fmt/format.h>

#include "agents/policy_gradient/actor_config.h"
#include "agents/policy_gradient/rollout.h"
#include "agents/training_memory.h"

namespace swipegym {

MemoryBudget rollout_memory(const Simulator& simulator, const ActorConfig& c) {
  WorldConfig world = c.world;
  world.costs.resize(c.constraints.size());
  MemoryBudget budget;
  budget.add(fmt::format("{} sessions side by side", c.num_envs), env_bytes(simulator, world, {.num_envs = c.num_envs}),
             "num_envs");
  const std::size_t state_size = StateEncoder::state_size(c.encoder, simulator.catalogue.num_tags);
  budget.add(fmt::format("their steps between two updates, {} each", c.rollout_steps),
             Rollout::bytes(state_size, {.envs = c.num_envs,
                                         .steps = c.rollout_steps,
                                         .slots = world.candidates,
                                         .slate = world.slate,
                                         .costs = c.constraints.size()}),
             "num_envs or rollout_steps");
  return budget;
}

MemoryBudget training_memory(const Simulator& simulator, const ActorConfig& c) {
  const Catalogue& catalogue = simulator.catalogue;
  MemoryBudget budget = rollout_memory(simulator, c);
  const NetworkNumbers numbers = numbers_of(catalogue, c.network, c.encoder);
  add_network(budget, catalogue, numbers, 1 + c.constraints.size(), 0);
  const std::uint64_t all = product_of({c.num_envs, c.rollout_steps});
  add_batch(budget, c.minibatch == 0 ? all : std::min<std::uint64_t>(all, c.minibatch), c.world.candidates, numbers, 0,
            "minibatch");
  return budget;
}

}  // namespace swipegym
