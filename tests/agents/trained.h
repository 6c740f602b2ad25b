#pragma once

#include "agents/dqn/dqn_learner.h"
#include "agents/dqn/full_output_learner.h"
#include "agents/policy_gradient/actor_agents.h"
#include "policy/value/full_output_policy.h"
#include "policy/value/value_policy.h"

// Trainings by typed settings, as 'train NAME' makes them from a file.

namespace swipegym::test {

inline OnlineResult train_dqn(const std::shared_ptr<const Simulator>& simulator, const DqnConfig& config,
                              const OnlineRun& run) {
  return train_agent(simulator, make_agent<DqnLearner>(config), run);
}
inline OnlineResult train_full_output(const std::shared_ptr<const Simulator>& simulator, const FullOutputConfig& config,
                                      const OnlineRun& run) {
  return train_agent(simulator, make_agent<FullOutputLearner>(config), run);
}
inline OnlineResult train_actor(const std::shared_ptr<const Simulator>& simulator, const ActorConfig& config,
                                const OnlineRun& run) {
  return train_agent(simulator, actor_agent(config), run);
}

/// What a trained policy scores by.
inline const ValueModel& value_model(const OnlineResult& trained) {
  return static_cast<const ValuePolicy&>(*trained.policy).model();
}

}  // namespace swipegym::test
