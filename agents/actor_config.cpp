#include "agents/actor_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "policy/retrieval.h"

namespace swipegym {
namespace {

template <class T>
void require_actor(bool holds, const char* name, T value, const char* expected) {
  if (!holds) throw InputError(fmt::format("setting '{}' is {}, expected {}", name, value, expected));
}

void require_algorithm(std::string_view name) {
  if (std::find(std::begin(kActorAlgorithms), std::end(kActorAlgorithms), name) == std::end(kActorAlgorithms))
    throw InputError(
        fmt::format("setting 'algorithm' is '{}', expected one of {}", name, fmt::join(kActorAlgorithms, ", ")));
}

RewardWeights main_reward(const ActorWorld& world) {
  RewardWeights weights{.watch_s = world.reward_watch_s,
                        .watch_ratio = world.reward_watch_ratio,
                        .return_day = world.reward_return_day,
                        .gap_h = world.reward_gap_h};
  for (std::size_t i = 0; i < world.reward_signals.size(); ++i) weights.signal[i] = world.reward_signals[i];
  return weights;
}

void check_world(const ActorWorld& w, const std::string& algorithm) {
  require_actor(w.slots >= 2, "world.slots", w.slots, "at least 2 candidates");
  require_actor(w.slate >= 1 && w.slate <= w.slots, "world.slate", w.slate, "1 to world.slots");
  require_actor(w.slate == 1 || algorithm == "reinforce", "world.slate", w.slate,
                "1, or the algorithm reinforce, which corrects for slates");
  require_actor(w.num_envs >= 1, "world.num_envs", w.num_envs, "at least 1");
  require_actor(w.history_length >= 1 && w.history_length <= 200, "world.history_length", w.history_length, "1 to 200");
  require_actor(w.max_steps >= 1, "world.max_steps", w.max_steps, "at least 1");
  require_actor(w.reward_signals.empty() || w.reward_signals.size() == kNumSignals, "world.reward_signals",
                w.reward_signals.size(), "a list of 8 weights, or none");
}

}  // namespace

ActorConfig actor_defaults(std::string_view algorithm) {
  require_algorithm(algorithm);
  ActorConfig config;
  config.algorithm = algorithm;
  if (algorithm == "a2c" || algorithm == "reinforce") {
    // One pass over everything, so many short rollouts.
    config.epochs = 1;
    config.minibatch = 0;
    config.clip = 0.0F;
    config.target_kl = 0.0;
    config.rollout_steps = 4;
  }
  if (algorithm == "reinforce") config.gae_lambda = 1.0F;
  if (algorithm == "rwr") {
    config.clip = 0.0F;
    config.entropy = 0.0F;
  }
  if (algorithm == "rcpo") {
    config.multiplier.rule = "projected";
    config.critics = "one";
  }
  const bool needs = algorithm == "rcpo" || algorithm == "lagrangian" || algorithm == "tscac";
  if (needs) config.constraints = {{.signal = "like", .at_least = 0.005}, {.signal = "hate", .at_most = 0.001}};
  if (!needs) config.multiplier.rule = "fixed";
  return config;
}

void check(const ActorConfig& c) {
  require_algorithm(c.algorithm);
  check_world(c.world, c.algorithm);
  const auto rollout = static_cast<std::int64_t>(c.world.num_envs * c.rollout_steps);
  require_actor(c.rollout_steps >= 1, "rollout_steps", c.rollout_steps, "at least 1");
  require_actor(c.env_steps >= rollout, "env_steps", c.env_steps, "at least world.num_envs * rollout_steps");
  require_actor(c.round_steps >= rollout && c.round_steps % rollout == 0, "round_steps", c.round_steps,
                "a multiple of world.num_envs * rollout_steps");
  require_actor(c.discount >= 0.0F && c.discount <= 1.0F, "discount", c.discount, "a number from 0 to 1");
  require_actor(c.gae_lambda >= 0.0F && c.gae_lambda <= 1.0F, "gae_lambda", c.gae_lambda, "a number from 0 to 1");
  require_actor(c.epochs >= 1, "epochs", c.epochs, "at least 1");
  require_actor(c.clip >= 0.0F && c.clip < 1.0F, "clip", c.clip, "a number in [0, 1)");
  require_actor(c.target_kl >= 0.0, "target_kl", c.target_kl, "at least 0; 0 means never");
  require_actor(c.entropy >= 0.0F, "entropy", c.entropy, "at least 0");
  require_actor(c.importance_cap >= 1.0F, "importance_cap", c.importance_cap, "at least 1");
  require_actor(c.regression_beta > 0.0F, "regression_beta", c.regression_beta, "a positive number");
  require_actor(c.regression_cap > 0.0F, "regression_cap", c.regression_cap, "a positive number");
  require_actor(c.reward_scale > 0.0F, "reward_scale", c.reward_scale, "a positive number");
  require_actor(c.huber_delta > 0.0F, "huber_delta", c.huber_delta, "a positive number");
  require_actor(c.learning_rate > 0.0, "learning_rate", c.learning_rate, "a positive number");
  require_actor(c.final_learning_rate >= 0.0, "final_learning_rate", c.final_learning_rate, "at least 0");
  require_actor(c.critic_rate > 0.0, "critic_rate", c.critic_rate, "a positive number");
  require_actor(c.clip_norm >= 0.0, "clip_norm", c.clip_norm, "at least 0; 0 means no clipping");
  require_actor(c.network.width >= 1, "network.width", c.network.width, "at least 1");
  require_actor(!c.network.sequence.enabled(), "network.sequence", c.network.sequence.kind,
                "'none': a rollout keeps encoded states, not histories");
  for (const auto& layers : {c.network.state_hidden, c.network.item_hidden, c.critic_hidden})
    for (const std::size_t units : layers) require_actor(units >= 1, "hidden layer", units, "at least 1 unit");
  require_actor(c.critics == "many" || c.critics == "one", "critics", c.critics, "'many' or 'one'");
  require_actor(!c.expected_signals || c.world.slate == 1 || c.constraints.empty(), "expected_signals",
                c.expected_signals, "false with slates: what comes after a slate's first video is not foreseen");
  check(c.multiplier);
  const std::size_t constraints = parse_constraints(c).size();
  objective_index(c);
  const bool needs = c.algorithm == "rcpo" || c.algorithm == "lagrangian" || c.algorithm == "tscac";
  require_actor(!needs || constraints > 0, "constraints", constraints, "at least one for this algorithm");
  require_actor(c.tscac_lambda > 0.0, "tscac_lambda", c.tscac_lambda, "a positive number");
  const auto learned = static_cast<std::int64_t>(constraints) * c.auxiliary_steps;
  require_actor(c.algorithm != "tscac" || (c.auxiliary_steps > 0 && c.auxiliary_steps % c.round_steps == 0),
                "auxiliary_steps", c.auxiliary_steps, "a positive multiple of round_steps");
  require_actor(c.algorithm != "tscac" || c.env_steps > learned, "env_steps", c.env_steps,
                "more than auxiliary_steps for each constraint: the rest is the main policy's");
}

std::vector<Constraint> parse_constraints(const ActorConfig& config) {
  std::vector<Constraint> all;
  for (const ConstraintConfig& c : config.constraints) {
    const auto found = std::find_if(kSignalNames.begin(), kSignalNames.end(), [&](std::string_view name) {
      return name == c.signal || name == "is_" + c.signal;
    });
    if (found == kSignalNames.end())
      throw InputError(
          fmt::format("a constraint on the signal '{}', expected one of {}", c.signal, fmt::join(kSignalNames, ", ")));
    const bool least = c.at_least >= 0.0, most = c.at_most >= 0.0;
    const double rate = least ? c.at_least : c.at_most;
    const double highest = c.relative ? 100.0 : 1.0;
    if (least == most || !(rate > 0.0 && rate < highest))
      throw InputError(
          fmt::format("the constraint on '{}' has at_least {} and at_most {}, expected one of them, a rate in (0, {})",
                      c.signal, c.at_least, c.at_most, highest));
    if (c.relative && !config.expected_signals)
      throw InputError(fmt::format("the constraint on '{}' is relative, which needs expected_signals", c.signal));
    all.push_back({static_cast<std::size_t>(found - kSignalNames.begin()), rate, least ? -1.0 : 1.0, c.relative});
  }
  return all;
}

int objective_index(const ActorConfig& config) {
  if (config.objective == "main") return -1;
  for (std::size_t i = 0; i < config.constraints.size(); ++i)
    if (config.constraints[i].signal == config.objective) return static_cast<int>(i);
  throw InputError(
      fmt::format("setting 'objective' is '{}', expected 'main' or the signal of a constraint", config.objective));
}

VectorEnv make_actor_env(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, int threads) {
  const ActorWorld& world = config.world;
  auto source = make_candidates(world.candidates, simulator, world.slots, 0, threads);
  VectorEnvConfig env;
  env.num_envs = world.num_envs;
  env.threads = threads;
  env.history_length = world.history_length;
  env.max_steps = world.max_steps;
  env.slate = world.slate;
  env.reward = main_reward(world);
  for (const Constraint& constraint : parse_constraints(config)) {
    RewardWeights& weights = env.costs.emplace_back(RewardWeights{.watch_s = 0.0F});
    weights.signal[constraint.signal] = 1.0F;
  }
  return VectorEnv(std::move(simulator), std::move(source), env);
}

}  // namespace swipegym
