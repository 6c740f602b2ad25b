#include "policy/world.h"

#include "env/candidate_sources.h"

namespace swipegym {
namespace {

bool is_source(const Json& value) {
  return value.is_string() && candidate_sources().contains(value.get_ref<const std::string&>());
}

// A weight for each signal, in the order of kSignalNames, or none.
Json signals_by_name(const Json& list) {
  if (!list.is_array() || (!list.empty() && list.size() != kNumSignals)) return list;
  Json named = Json::object();
  for (std::size_t i = 0; i < list.size(); ++i) named[std::string(kSignalNames[i])] = list[i];
  return named;
}

}  // namespace

bool WorldConfig::has_shelf() const noexcept {
  const NamedSource* named = find_source(source);
  return named != nullptr && named->is_shelf;
}

std::vector<FormerName> former_world_names(const std::string& old) {
  const Json seconds = {{"watch_s", 1.0}};  // counted unless a file said otherwise
  std::vector<FormerName> names = {{.old = old + "candidates", .now = "world.source", .meant = is_source},
                                   {.old = old + "slots", .now = "world.candidates"}};
  for (const char* term : {"watch_s", "watch_ratio", "return_day", "gap_h"})
    names.push_back({.old = old + "reward_" + term, .now = std::string("world.reward.") + term, .around = seconds});
  names.push_back(
      {.old = old + "reward_signals", .now = "world.reward", .convert = signals_by_name, .around = seconds});
  return names;
}

void check(const WorldConfig& world) {
  check_ranges(world);
  require_setting(world.offers_all() || world.slate <= world.candidates, "world.slate", world.slate,
                  "1 to world.candidates");
}

void check_agent_world(const WorldConfig& world, bool slates) {
  check(world);
  require_setting(world.costs.empty(), "world.costs", world.costs,
                  "none: what else is measured follows from the agent");
  require_setting(slates || world.slate == 1, "world.slate", world.slate, "1: this agent shows one video a step");
}

void check_rewards(std::string_view rewards, float pessimism) {
  require_setting(pessimism == 0.0F || reward_kind(rewards) == RewardKind::kExpected, "pessimism", pessimism,
                  "0 unless rewards are 'expected'");
}

VectorEnvConfig env_config(const WorldConfig& world, VectorEnvConfig sessions) {
  sessions.history_length = world.history_length;
  sessions.max_steps = world.max_steps;
  sessions.slate = world.slate;
  sessions.reward = world.reward;
  sessions.costs = world.costs;
  return sessions;
}

std::shared_ptr<const CandidateSource> make_candidates(const WorldConfig& world,
                                                       std::shared_ptr<const Simulator> simulator,
                                                       std::uint64_t source_seed, int threads) {
  return make_candidates(world.source, std::move(simulator), world.candidates, source_seed, threads);
}

VectorEnv make_env(std::shared_ptr<const Simulator> simulator, const WorldConfig& world, VectorEnvConfig sessions,
                   std::uint64_t source_seed) {
  auto source = make_candidates(world, simulator, source_seed, sessions.threads);
  return VectorEnv(std::move(simulator), std::move(source), env_config(world, std::move(sessions)));
}

std::uint64_t env_bytes(const Simulator& simulator, const WorldConfig& world, const VectorEnvConfig& sessions) {
  return VectorEnv::bytes(simulator, world.offers_all() ? 0 : world.candidates, env_config(world, sessions));
}

}  // namespace swipegym
