#pragma once

#include "agents/actor_config.h"
#include "agents/dqn_config.h"
#include "core/memory_budget.h"

namespace swipegym {

/// What a training takes of memory beside its simulator, part by part, before anything is made: sessions, replay or
/// rollouts, the network with its tables, the passes and gradients of a batch.
MemoryBudget training_memory(const Simulator& simulator, const DqnConfig& config);
MemoryBudget training_memory(const Simulator& simulator, const ActorConfig& config);

}  // namespace swipegym
