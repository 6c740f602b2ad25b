#include "agents/policy_gradient/actor_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/policy_gradient/rollout.h"
#include "agents/training_memory.h"
#include "core/config.h"
#include "core/error.h"

namespace swipegym {
namespace {

std::vector<std::string> make_constraint_signals() {
  std::vector<std::string> names;
  for (const std::string_view name : kSignalNames) {
    names.emplace_back(name);
    names.emplace_back(name.substr(std::string_view("is_").size()));
  }
  return names;
}

std::vector<std::string> make_objective_names() {
  std::vector<std::string> names = make_constraint_signals();
  names.insert(names.begin(), "main");
  return names;
}

// Whether it learns under constraints, of which it needs one.
bool is_constrained(std::string_view algorithm) {
  return algorithm == "rcpo" || algorithm == "lagrangian" || algorithm == "cpo" || algorithm == "tscac";
}

void check_world(const WorldConfig& world, const std::string& algorithm) {
  check_agent_world(world, true);
  require_setting(world.candidates >= 2, "world.candidates", world.candidates, "at least 2 candidates");
  require_setting(world.slate == 1 || algorithm == "reinforce", "world.slate", world.slate,
                  "1, or the algorithm reinforce, which corrects for slates");
}

}  // namespace

const std::vector<std::string>& constraint_signals() {
  static const std::vector<std::string> names = make_constraint_signals();
  return names;
}

const std::vector<std::string>& objective_names() {
  static const std::vector<std::string> names = make_objective_names();
  return names;
}

ActorConfig actor_defaults(std::string_view algorithm) {
  const Words known = one_of(kActorAlgorithms);
  require_setting(known.contains(algorithm), "algorithm", std::string(algorithm), known.expected());
  ActorConfig config;
  config.algorithm = algorithm;
  if (algorithm == "ppo") config.env_steps = 491'520;
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
  const bool needs = is_constrained(algorithm);
  if (needs) config.constraints = {{.signal = "like", .at_least = 0.005}, {.signal = "hate", .at_most = 0.001}};
  if (!needs || algorithm == "cpo") config.multiplier.rule = "fixed";
  return config;
}

std::vector<FormerName> former_actor_names() {
  std::vector<FormerName> names = former_world_names("world.");
  names.push_back({.old = "world.num_envs", .now = "num_envs"});
  return names;
}

void check(const ActorConfig& c) {
  check_ranges(c);
  check_world(c.world, c.algorithm);
  check_rewards(c.rewards, c.pessimism);
  const auto rollout = static_cast<std::int64_t>(c.num_envs * c.rollout_steps);
  require_setting(c.env_steps >= rollout, "env_steps", c.env_steps,
                  fmt::format("at least num_envs * rollout_steps = {} * {}", c.num_envs, c.rollout_steps));
  require_setting(c.round_steps >= rollout && c.round_steps % rollout == 0, "round_steps", c.round_steps,
                  "a multiple of num_envs * rollout_steps");
  require_setting(!c.network.sequence.enabled(), "network.sequence", c.network.sequence.kind,
                  "'none': a rollout keeps encoded states, not histories");
  require_setting(!c.expected_signals || c.world.slate == 1 || c.constraints.empty(), "expected_signals",
                  c.expected_signals, "false with slates: what comes after a slate's first video is not foreseen");
  require_setting(c.algorithm != "tscac" || c.average == 0.0, "average", c.average,
                  "0: tscac keeps the weights of its last update");
  require_setting(c.network.outputs == 1, "network.outputs", c.network.outputs, "1: scores are logits");
  check(c.multiplier);
  const std::vector<Constraint> bounds = parse_constraints(c);
  for (const Constraint& one : bounds)
    require_setting(one.multiplier <= c.multiplier.limit, "multiplier.limit", c.multiplier.limit,
                    "at least every constraint's own multiplier");
  const std::size_t constraints = bounds.size();
  objective_index(c);
  require_setting(!is_constrained(c.algorithm) || constraints > 0, "constraints", c.constraints,
                  "at least one for this algorithm");
  require_setting(c.algorithm != "cpo" || c.critics == "many", "critics", c.critics, "'many' for cpo");
  const std::int64_t learned = static_cast<std::int64_t>(constraints) * c.auxiliary_steps;
  require_setting(c.algorithm != "tscac" || c.auxiliary_steps % c.round_steps == 0, "auxiliary_steps",
                  c.auxiliary_steps, "a positive multiple of round_steps");
  require_setting(c.algorithm != "tscac" || c.env_steps > learned, "env_steps", c.env_steps,
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
    all.push_back({static_cast<std::size_t>(found - kSignalNames.begin()), rate, least ? -1.0 : 1.0, c.relative,
                   c.multiplier >= 0.0 ? c.multiplier : config.multiplier.initial});
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

VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const ActorConfig& config, int threads) {
  WorldConfig world = config.world;
  for (const Constraint& constraint : parse_constraints(config)) {
    RewardWeights& weights = world.costs.emplace_back(RewardWeights{.watch_s = 0.0F});
    weights.signal[constraint.signal] = 1.0F;
  }
  return make_env(std::move(simulator), world,
                  {.num_envs = config.num_envs,
                   .threads = threads,
                   .rewards = reward_kind(config.rewards),
                   .pessimism = config.pessimism});
}

MemoryBudget rollout_memory(const Simulator& simulator, const ActorConfig& c) {
  WorldConfig world = c.world;
  world.costs.resize(c.constraints.size());
  MemoryBudget budget;
  budget.add(fmt::format("{} sessions side by side", c.num_envs), env_bytes(simulator, world, {.num_envs = c.num_envs}),
             "num_envs");
  const std::size_t state_size = StateEncoder::state_size(c.encoder, simulator.catalogue.num_tags);
  budget.add(fmt::format("their steps between two updates, {} each", c.rollout_steps),
             Rollout::bytes(state_size, {.envs = c.num_envs,
                                         .steps = c.rollout_steps,
                                         .slots = world.candidates,
                                         .slate = world.slate,
                                         .costs = c.constraints.size()}),
             "num_envs or rollout_steps");
  return budget;
}

void add_critics(MemoryBudget& budget, const Simulator& simulator, const ActorConfig& c, std::uint64_t count,
                 const std::vector<std::size_t>& hidden, const char* lower) {
  const std::uint64_t all = product_of({c.num_envs, c.rollout_steps});
  const auto layers = layer_sizes(StateEncoder::state_size(c.encoder, simulator.catalogue.num_tags), hidden, 1);
  add_state_networks(budget, layers, count, c.minibatch == 0 ? all : std::min<std::uint64_t>(all, c.minibatch), lower);
}

MemoryBudget training_memory(const Simulator& simulator, const ActorConfig& c) {
  const Catalogue& catalogue = simulator.catalogue;
  MemoryBudget budget = rollout_memory(simulator, c);
  const NetworkNumbers numbers = numbers_of(catalogue, c.network, c.encoder);
  add_network(budget, catalogue, numbers, 1 + c.constraints.size(), 0);
  add_critics(budget, simulator, c, 1 + c.constraints.size(), c.critic_hidden, "critic_hidden");
  const std::uint64_t all = product_of({c.num_envs, c.rollout_steps});
  add_batch(budget, c.minibatch == 0 ? all : std::min<std::uint64_t>(all, c.minibatch), c.world.candidates, numbers, 0,
            "minibatch");
  return budget;
}

}  // namespace swipegym
