#include "agents/agent.h"

#include "policy/policy_file.h"

namespace swipegym {

OnlineResult train_agent(const std::shared_ptr<const Simulator>& simulator, const Agent& agent, const OnlineRun& run) {
  agent.memory(*simulator).require();
  Json identity = agent.config;
  if (!run.start.empty()) {
    const PolicyHeader start = read_policy_header(run.start);
    identity["start"] = {
        {"name", start.policy}, {"seed", start.seed}, {"config", start.config}, {"data", start.data_fingerprint}};
  }
  VectorEnv env = agent.make_env(simulator, run.threads);
  OnlineResult result;
  result.learner = agent.make_learner(simulator, run);
  result.rounds = train_with_checkpoints(*result.learner, env,
                                         {.config = identity.dump(),
                                          .seed = run.seed,
                                          .data_fingerprint = simulator->data_fingerprint,
                                          .of_today = agent.settings_of_today},
                                         agent.steps.env_steps, agent.steps.round_steps, run);
  result.policy = result.learner->snapshot();
  return result;
}

}  // namespace swipegym
