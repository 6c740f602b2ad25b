#pragma once

#include <memory>
#include <vector>

#include "agents/agent.h"
#include "agents/policy_gradient/actor_config.h"

namespace swipegym {

/// The agent of config.algorithm, by an ActorLearner or a TscacLearner. It measures its final policy where its settings
/// ask for sessions to do that in.
Agent actor_agent(const ActorConfig& config);

/// What a policy is worth in the world of its config, choosing as it learned to: drawn from its softmax, or the best.
struct ActorEvaluation {
  std::size_t sessions = 0;
  double session_reward = 0.0, session_error = 0.0;  // mean of a session, and its standard error
  double session_videos = 0.0;
  double video_reward = 0.0;  // rewards over videos
  std::vector<double> rates;  // of each constraint's signal a video, by the simulator's probabilities
  // Of each session, in the same order for every policy; a rate is the sum of given over that of against.
  std::vector<float> rewards;
  std::vector<std::vector<float>> given, against;  // of each constraint
};

/// At least `sessions` fresh sessions, the same ones for every policy.
ActorEvaluation evaluate_actor(std::shared_ptr<const Simulator> simulator, const ActorConfig& config,
                               const Policy& policy, const Exploration& exploration, std::size_t sessions,
                               std::uint64_t seed, int threads);

}  // namespace swipegym
