#include "agents/policy_gradient/hierarchical_config.h"

#include <algorithm>

#include "agents/training_memory.h"
#include "core/config.h"

namespace swipegym {

void check(const HierarchicalConfig& config) {
  check_ranges(config);
  check(config.actor);
  require_setting(config.actor.world.offers_all(), "world.source", config.actor.world.source,
                  "'full': it chooses among the tags of the whole catalogue");
}

MemoryBudget training_memory(const Simulator& simulator, const HierarchicalConfig& config) {
  const Catalogue& catalogue = simulator.catalogue;
  ActorConfig c = config.actor;
  c.world.candidates = catalogue.num_tags + 1 + config.tag_videos;  // slots of its rollout; videos may have no tag
  MemoryBudget budget = rollout_memory(simulator, c);
  NetworkNumbers numbers = numbers_of(catalogue, config.network.towers, c.encoder);
  numbers.dense = product_of({2, numbers.dense}), numbers.state = product_of({2, numbers.state});
  add_network(budget, catalogue, numbers, 2, config.network.towers.width + 1);
  budget.add("the videos by their tags", product_of({catalogue.num_videos(), 2 * sizeof(std::int32_t)}), "");
  add_critics(budget, simulator, c, 1, c.critic_hidden, "critic_hidden");
  const std::uint64_t all = product_of({c.num_envs, c.rollout_steps});
  add_batch(budget, c.minibatch == 0 ? all : std::min<std::uint64_t>(all, c.minibatch), c.world.candidates, numbers, 0,
            "minibatch or tag_videos");
  return budget;
}

}  // namespace swipegym
