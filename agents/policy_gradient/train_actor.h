#pragma once

#include <memory>
#include <vector>

#include "agents/online_checkpoint.h"
#include "agents/policy_gradient/actor_learner.h"
#include "core/memory_budget.h"

namespace swipegym {

struct TrainedActor {
  std::shared_ptr<const ValueModel> model;  // its scores are the logits of a softmax over candidates
  std::vector<RoundReport> rounds;
  std::vector<ActorReport> reports;  // of every update
};

/// The learner of config.algorithm.
std::unique_ptr<CandidateActor> make_actor_learner(std::shared_ptr<const Simulator> simulator,
                                                   const ActorConfig& config, std::uint64_t seed, int threads);

/// Trains an on-policy agent in the simulator. The result depends on (build, simulator, config, seed) alone: not on
/// threads, nor on being interrupted and resumed. Throws InputError for settings that make no sense and for a
/// checkpoint of another run.
TrainedActor train_actor(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, const OnlineRun& run);

/// What a policy is worth in the world of its config, choosing as it learned to: drawn from its softmax, or the best.
struct ActorEvaluation {
  std::size_t sessions = 0;
  double session_reward = 0.0, session_error = 0.0;  // mean of a session, and its standard error
  double session_videos = 0.0;
  double video_reward = 0.0;  // rewards over videos
  std::vector<double> rates;  // of each constraint's signal a video, by the simulator's probabilities
};

/// At least `sessions` fresh sessions, the same ones for every policy.
ActorEvaluation evaluate_actor(std::shared_ptr<const Simulator> simulator, const ActorConfig& config,
                               const Policy& policy, const Exploration& exploration, std::size_t sessions,
                               std::uint64_t seed, int threads);

/// What a training takes of memory beside its simulator, part by part, before anything is made: sessions, rollouts, the
/// network with its tables, the passes and gradients of a batch.
MemoryBudget training_memory(const Simulator& simulator, const ActorConfig& config);

}  // namespace swipegym
