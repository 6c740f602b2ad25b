#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agents/policy_gradient/actor_config.h"
#include "policy/value/hierarchical_network.h"

namespace swipegym {

/// PPO's, with every video as an action.
inline ActorConfig hierarchical_actor_defaults() {
  ActorConfig actor = actor_defaults("ppo");
  actor.world.source = "full";
  return actor;
}

/// Settings of `train hierarchical`; a JSON file may set any of them by name.
struct HierarchicalConfig {
  ActorConfig actor = hierarchical_actor_defaults();  // what it has in common with the other actors
  std::size_t tag_videos = 50;  // videos of the chosen tag that it chooses among while it learns, drawn anew each step
  std::string choice =
      "drawn";  // how its policy chooses afterwards, among all of a tag: by its probabilities, or "best"
  HierarchicalNetworkConfig network;  // of tags, and of videos
};

template <class Visitor>
void visit_fields(Visitor& visit, HierarchicalConfig& config) {
  visit_rollouts(visit, config.actor);
  visit("tag_videos", config.tag_videos, between(2, 1'000'000));
  visit("choice", config.choice, one_of({"drawn", "best"}));
  visit_passes(visit, config.actor, between(0, 16'777'216));
  visit_rates(visit, config.actor);
  visit("network", config.network);
  visit("encoder", config.actor.encoder);
}

inline const ActorConfig& acting_settings(const HierarchicalConfig& config) {
  return config.actor;
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const HierarchicalConfig& config);
MemoryBudget training_memory(const Simulator& simulator, const HierarchicalConfig& config);

}  // namespace swipegym
