#include "agents/policy_gradient/actor_agents.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/policy_gradient/cost_meter.h"
#include "agents/policy_gradient/tscac_learner.h"
#include "core/config.h"
#include "policy/select.h"

namespace swipegym {

namespace {

bool is_kept(const ConstraintConfig& constraint, double rate) {
  return constraint.at_least >= 0.0 ? rate >= constraint.at_least : rate <= constraint.at_most;
}

std::string limit_text(const ConstraintConfig& constraint) {
  return constraint.at_least >= 0.0 ? fmt::format(">= {}", constraint.at_least)
                                    : fmt::format("<= {}", constraint.at_most);
}

FinalFigures figures_of(const ActorConfig& config, const ActorEvaluation& worth) {
  FinalFigures out;
  Json kept = Json::array();
  out.table = {{"final policy", "value", "limit", "kept"},
               {"return of a session",
                fmt::format("{:.2f} +- {:.2f}", worth.session_reward, 1.96 * worth.session_error), "", ""},
               {"videos of a session", fmt::format("{:.2f}", worth.session_videos), "", ""},
               {"reward of a video", fmt::format("{:.3f}", worth.video_reward), "", ""}};
  for (std::size_t i = 0; i < config.constraints.size(); ++i) {
    const ConstraintConfig& constraint = config.constraints[i];
    kept.push_back(is_kept(constraint, worth.rates[i]));
    out.table.push_back({constraint.signal + (constraint.relative ? ", x uniform" : ", a video"),
                         fmt::format("{:.6f}", worth.rates[i]), limit_text(constraint),
                         kept.back().get<bool>() ? "yes" : "no"});
  }
  out.json = {{"sessions", worth.sessions},
              {"session_reward", worth.session_reward},
              {"session_error", worth.session_error},
              {"session_videos", worth.session_videos},
              {"video_reward", worth.video_reward},
              {"rates", worth.rates},
              {"kept", kept}};
  return out;
}

}  // namespace

Agent actor_agent(const ActorConfig& config) {
  Agent agent = config.algorithm == "tscac" ? make_agent<TscacLearner>(config) : make_agent<ActorLearner>(config);
  if (config.evaluation_sessions > 0)
    agent.measure = [config](std::shared_ptr<const Simulator> simulator, const Policy& policy, const OnlineRun& run) {
      return figures_of(config, evaluate_actor(std::move(simulator), config, policy, Exploration::boltzmann(1.0F),
                                               config.evaluation_sessions, run.seed, run.threads));
    };
  return agent;
}

ActorEvaluation evaluate_actor(std::shared_ptr<const Simulator> simulator, const ActorConfig& config,
                               const Policy& policy, const Exploration& exploration, std::size_t sessions,
                               std::uint64_t seed, int threads) {
  VectorEnv env = make_training_env(simulator, config, threads);
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
  std::vector<std::size_t> played(envs, 0);
  ActorEvaluation out;
  const std::size_t constraints = meter.constraints().size();
  std::vector<std::vector<double>> sums(1 + meter.columns(), std::vector<double>(envs * each));  // of each session
  double videos = 0.0;
  // Every env plays the same number of whole sessions, so that short ones do not count more often.
  for (std::size_t finished = 0; finished < envs * each;) {
    const DecisionBatch batch{env.observation(), &env, keys, streams, threads};
    score_slots(policy, batch, scores);
    select_actions(batch, scores, exploration, actions, slate);
    meter.before_step(env, actions);
    const StepView& step = env.step(actions);
    const std::span<const float> costs = meter.costs(step, envs);
    for (std::size_t row = 0; row < envs; ++row) {
      ++streams[row];
      if (played[row] == each || step.autoreset[row]) continue;
      const std::size_t session = row * each + played[row];
      sums[0][session] += static_cast<double>(step.reward[row]);
      videos += step.consumed[row];
      for (std::size_t c = 0; c < 2 * constraints; ++c)
        sums[1 + c][session] += static_cast<double>(costs[row * 2 * constraints + c]);
      if (step.terminated[row] || step.truncated[row]) ++played[row], ++finished;
    }
  }
  const auto total = [](const std::vector<double>& of) { return std::accumulate(of.begin(), of.end(), 0.0); };
  const auto count = static_cast<double>(envs * each);
  const double rewards = total(sums[0]);
  const double squares = std::inner_product(sums[0].begin(), sums[0].end(), sums[0].begin(), 0.0);
  out.sessions = envs * each;
  out.session_reward = rewards / count;
  out.session_error = std::sqrt(std::max(0.0, squares / count - out.session_reward * out.session_reward) / count);
  out.session_videos = videos / count;
  out.video_reward = rewards / videos;
  out.rewards.assign(sums[0].begin(), sums[0].end());
  for (std::size_t c = 0; c < constraints; ++c) {
    const std::vector<double>&given = sums[1 + c], &against = sums[1 + constraints + c];
    out.rates.push_back(total(given) / total(against));
    out.given.emplace_back(given.begin(), given.end());
    out.against.emplace_back(against.begin(), against.end());
  }
  return out;
}

}  // namespace swipegym
