#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "agents/dqn_config.h"
#include "agents/train_online.h"
#include "policy/value_policy.h"

namespace swipegym {

struct DqnTraining {
  std::uint64_t seed = 1;
  int threads = 0;                     // 0: all; never changes a result
  std::filesystem::path checkpoint{};  // where to keep what --resume needs, written between rounds; empty: nowhere
  int checkpoint_rounds = 2;           // rounds between two checkpoints
  bool resume = false;                 // go on from `checkpoint` if it is there
  Progress progress{};
  std::function<void(const RoundReport&)> on_round{};  // may be empty
};

struct TrainedPolicy {
  std::shared_ptr<const ValueModel> model;
  std::vector<RoundReport> rounds;
};

/// Trains a DQN in the simulator. The result depends on (build, simulator, config, seed) alone: not on threads, nor on
/// being interrupted and resumed. Throws InputError for settings that make no sense and for a checkpoint that belongs
/// to another simulator, config or seed. The checkpoint is left behind; the caller removes it once the policy is saved.
TrainedPolicy train_dqn(std::shared_ptr<const Simulator> simulator, const DqnConfig& config,
                        const DqnTraining& training);

}  // namespace swipegym
