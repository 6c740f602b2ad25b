#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "env/expected_reward.h"
#include "env/vector_env.h"
#include "policy/retrieval.h"

namespace swipegym {

/// The world a policy acts in, beside its simulator: what it is offered, how long, and for which reward. Settings
/// files, options of the program and arguments in Python have these names.
struct WorldConfig {
  std::string source = "random";    // where candidates come from: a name, or a policy file that retrieves them
  std::size_t candidates = 10;      // m, videos offered a step; not looked at for the source "full"
  std::size_t slate = 1;            // K, videos chosen a step, watched in order
  std::size_t history_length = 50;  // L, videos of history in an observation
  int max_steps = 100;              // a session is cut after so many
  std::string clock = "dense";      // "dense": sessions as long as people's are; "log": as the thinned log shows them
  RewardWeights reward;
  std::vector<RewardWeights> costs;  // further sums that are measured, columns of StepView::cost

  bool offers_all() const noexcept { return source == "full"; }
  /// Whether the same videos are on offer at every step.
  bool has_shelf() const noexcept;
};

inline Words clocks() {
  return one_of({"dense", "log"});
}

template <class Visitor>
void visit_fields(Visitor& visit, WorldConfig& world) {
  visit("source", world.source, candidate_sources());
  visit("candidates", world.candidates, ranges::kSlots);
  visit("slate", world.slate, between(1, 1'000));
  visit("history_length", world.history_length, ranges::kHistory);
  visit("max_steps", world.max_steps, ranges::kMaxSteps);
  visit("clock", world.clock, clocks());
  visit("reward", world.reward, ranges::kAnyWeight);
  visit("costs", world.costs, ranges::kAnyWeight, lengths(0, 1'000));
}

/// What stood in agents' settings, under `old` ("" or "world."), before they had a world of this kind under "world".
std::vector<FormerName> former_world_names(const std::string& old);

/// Throws InputError naming the first setting of `world` ("world.slate") that makes no sense, its value and its range.
void check(const WorldConfig& world);
/// The same for the settings of agents, which measure no costs but what their own settings ask for, and for those of
/// them that show one video a step.
void check_agent_world(const WorldConfig& world, bool slates);

/// What agents may learn from, by its name in their settings.
inline Words reward_kinds() {
  return one_of({"expected", "drawn"});
}
inline RewardKind reward_kind(std::string_view name) noexcept {
  return name == "expected" ? RewardKind::kExpected : RewardKind::kDrawn;
}
/// Throws InputError for pessimism where rewards are drawn: no draw knows what members disagree by.
void check_rewards(std::string_view rewards, float pessimism);

/// The engine's settings; `sessions` says what no world says: how many sessions, threads and modes.
VectorEnvConfig env_config(const WorldConfig& world, VectorEnvConfig sessions = {});

std::shared_ptr<const CandidateSource> make_candidates(const WorldConfig& world,
                                                       std::shared_ptr<const Simulator> simulator,
                                                       std::uint64_t source_seed = 0, int threads = 0);

/// Sessions in that world. The simulator was loaded by the world's clock. source_seed: of the source "sample".
VectorEnv make_env(std::shared_ptr<const Simulator> simulator, const WorldConfig& world, VectorEnvConfig sessions = {},
                   std::uint64_t source_seed = 0);

/// What make_env() takes of memory.
std::uint64_t env_bytes(const Simulator& simulator, const WorldConfig& world, const VectorEnvConfig& sessions);

}  // namespace swipegym
