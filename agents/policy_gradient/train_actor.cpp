#include "agents/policy_gradient/train_actor.h"

#include <algorithm>
#include <cmath>

#include "agents/policy_gradient/tscac_learner.h"
#include "core/config.h"
#include "policy/scores.h"

namespace swipegym {

std::unique_ptr<CandidateActor> make_actor_learner(std::shared_ptr<const Simulator> simulator,
                                                   const ActorConfig& config, std::uint64_t seed, int threads) {
  if (config.algorithm == "tscac") return std::make_unique<TscacLearner>(std::move(simulator), config, seed, threads);
  return std::make_unique<ActorLearner>(std::move(simulator), config, seed, threads);
}

TrainedActor train_actor(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, const OnlineRun& run) {
  check(config);
  const RunIdentity identity = identity_of(config, run.seed, simulator->data_fingerprint);
  training_memory(*simulator, config).require();
  VectorEnv env = make_actor_env(simulator, config, run.threads);
  const std::unique_ptr<CandidateActor> learner = make_actor_learner(simulator, config, run.seed, run.threads);
  TrainedActor trained;
  trained.rounds = train_with_checkpoints(*learner, env, identity, config.env_steps, config.round_steps, run);
  trained.reports = learner->reports();
  auto model = std::make_shared<ValueModel>(learner->model());
  model->network.set_shards(1);
  model->header.config = identity.config;
  model->header.temperature = 1.0F;
  trained.model = std::move(model);
  return trained;
}

ActorEvaluation evaluate_actor(std::shared_ptr<const Simulator> simulator, const ActorConfig& config,
                               const Policy& policy, const Exploration& exploration, std::size_t sessions,
                               std::uint64_t seed, int threads) {
  VectorEnv env = make_actor_env(simulator, config, threads);
  CostMeter meter(parse_constraints(config), config.expected_signals);
  const std::size_t envs = config.num_envs, slate = config.world.slate, each = (sessions + envs - 1) / envs;
  // Apart from the keys of training, which come from the same seeds.
  const RandomKey key = split(split(make_key(seed), Draw::kUser), std::uint64_t{0x6576616C});
  std::vector<std::uint64_t> seeds(envs);
  std::vector<RandomKey> keys(envs);
  for (std::size_t env_index = 0; env_index < envs; ++env_index) {
    const RandomKey own = keys[env_index] = split(key, env_index);
    seeds[env_index] = std::uint64_t{own.hi} << 32 | own.lo;
  }
  env.reset(seeds);
  std::vector<std::uint32_t> streams(envs);
  std::vector<std::int32_t> actions(envs * slate);
  std::vector<float> scores(envs * config.world.candidates);
  std::vector<double> reward(envs, 0.0);
  std::vector<std::size_t> played(envs, 0);
  ActorEvaluation out;
  std::vector<double> costs_sum(meter.columns(), 0.0);
  double rewards = 0.0, squares = 0.0, videos = 0.0;
  // Every env plays the same number of whole sessions, so that short ones do not count more often.
  for (std::size_t finished = 0; finished < envs * each;) {
    const DecisionBatch batch{env.observation(), &env, keys, streams, threads};
    score_slots(policy, batch, scores);
    select_actions(batch, scores, exploration, actions, slate);
    meter.foresee(env, actions);
    const StepView& step = env.step(actions);
    const std::span<const float> costs = meter.costs(step, envs);
    for (std::size_t row = 0; row < envs; ++row) {
      ++streams[row];
      if (played[row] == each || step.autoreset[row]) continue;
      reward[row] += static_cast<double>(step.reward[row]);
      videos += step.consumed[row];
      for (std::size_t c = 0; c < costs_sum.size(); ++c)
        costs_sum[c] += static_cast<double>(costs[row * costs_sum.size() + c]);
      if (!step.terminated[row] && !step.truncated[row]) continue;
      rewards += reward[row], squares += reward[row] * reward[row];
      reward[row] = 0.0;
      ++played[row], ++finished;
    }
  }
  const auto count = static_cast<double>(envs * each);
  out.sessions = envs * each;
  out.session_reward = rewards / count;
  out.session_error = std::sqrt(std::max(0.0, squares / count - out.session_reward * out.session_reward) / count);
  out.session_videos = videos / count;
  out.video_reward = rewards / videos;
  const std::size_t constraints = meter.constraints().size();
  for (std::size_t c = 0; c < constraints; ++c) out.rates.push_back(costs_sum[c] / costs_sum[constraints + c]);
  return out;
}

}  // namespace swipegym
