#pragma once

#include <memory>

#include "agents/policy_gradient/actor_network.h"
#include "policy/value/hierarchical_policy.h"

namespace swipegym {

/// An ActorNetwork of a HierarchicalModel. The slots of its rollout are TagOffers: a score a tag, then a score each of
/// some videos of one tag.
std::unique_ptr<ActorNetwork> make_hierarchical_actor(std::shared_ptr<HierarchicalModel> model,
                                                      const ActorNetwork::Settings& settings);

}  // namespace swipegym
