#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/progress.h"
#include "core/range.h"
#include "env/tabular/tabular_world.h"

namespace swipegym {

/// How a simulator is reduced to a TabularWorld; a JSON file may set any of these by name.
struct ReductionConfig {
  std::size_t user_groups = 4;                     // equal shares of the sessions, by the users' mean watch ratio
  std::size_t duration_groups = 3;                 // equal shares of the videos by duration; each is cut again ...
  std::size_t appeal_groups = 2;                   // ... into equal shares by the videos' mean watch ratio
  std::vector<float> level_edges = {0.25F, 0.8F};  // watch ratios that part the levels, rising
  std::int64_t plays = 2'000'000;                  // videos shown to make the tables
  std::size_t num_envs = 256;                      // sessions at a time
  int max_steps = 100;                             // a session is cut after so many videos
  double prior_plays = 20.0;  // pseudo-plays of a kind's overall answer that each state's begins with
};

template <class Visitor>
void visit_fields(Visitor& visit, ReductionConfig& config) {
  visit("user_groups", config.user_groups, between(1, 10'000));
  visit("duration_groups", config.duration_groups, between(1, 1'000));
  visit("appeal_groups", config.appeal_groups, between(1, 1'000));
  visit("level_edges", config.level_edges, between(1e-6, 1e6), lengths(0, 100));
  visit("plays", config.plays, between(1, 1'000'000'000'000));
  visit("num_envs", config.num_envs, ranges::kEnvs);
  visit("max_steps", config.max_steps, ranges::kMaxSteps);
  visit("prior_plays", config.prior_plays, between(1e-6, 1e12));
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const ReductionConfig& config);

struct Reduction {
  TabularWorld world;
  std::int64_t plays = 0;
  std::int64_t fewest_plays = 0;  // of a (state, kind)
  double simulated_s = 0.0;       // mean seconds watched a play, as the simulator drew them ...
  double tabulated_s = 0.0;       // ... and as the tables answer in the same states
  double simulated_leaves = 0.0;  // share of plays after which the user left
};

/// Reduces a simulator by showing uniformly drawn kinds (a random unseen video of each is on offer) and averaging the
/// answers over the sessions that are in the same state. The averages are the simulator's under that way of showing;
/// once made, the tables are a world of their own, and exact answers are about it. Depends on simulator, config and
/// seed alone. Throws InputError for settings that make no sense or ask for more groups than there are users or videos.
Reduction reduce_simulator(std::shared_ptr<const Simulator> simulator, const ReductionConfig& config,
                           std::uint64_t seed, int threads, const Progress& progress = {});

}  // namespace swipegym
