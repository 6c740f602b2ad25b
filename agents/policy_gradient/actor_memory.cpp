#include <fmt/format.h>

#include "agents/policy_gradient/rollout.h"
#include "agents/policy_gradient/train_actor.h"
#include "agents/training_memory.h"

namespace swipegym {

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
