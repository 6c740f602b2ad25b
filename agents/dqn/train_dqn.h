#pragma once

#include <memory>
#include <vector>

#include "agents/dqn/dqn_config.h"
#include "agents/online_checkpoint.h"
#include "core/memory_budget.h"
#include "policy/value/value_policy.h"

namespace swipegym {

using DqnTraining = OnlineRun;

struct TrainedPolicy {
  std::shared_ptr<const ValueModel> model;
  std::vector<RoundReport> rounds;
};

/// Trains a DQN in the simulator. The result depends on (build, simulator, config, seed) alone: not on threads, nor on
/// being interrupted and resumed. Throws InputError for settings that make no sense and for a checkpoint that belongs
/// to another simulator, config or seed. The checkpoint is left behind; the caller removes it once the policy is saved.
TrainedPolicy train_dqn(std::shared_ptr<const Simulator> simulator, const DqnConfig& config,
                        const DqnTraining& training);

/// What a training takes of memory beside its simulator, part by part, before anything is made: sessions, replay, the
/// network with its tables, the passes and gradients of a batch.
MemoryBudget training_memory(const Simulator& simulator, const DqnConfig& config);

}  // namespace swipegym
