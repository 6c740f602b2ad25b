#pragma once

#include <memory>
#include <vector>

#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/vector_env.h"
#include "policy/policy.h"
#include "policy/select.h"
#include "tests/evaluation/toy_data.h"

namespace swipegym::fuzz {

// The smallest worlds that have everything: an input is to be read in well under two milliseconds.

inline constexpr std::size_t kSlots = 2, kHistory = 2;

/// Three users, eight videos, four days.
inline Dataset small_dataset() {
  return test::make_toy_dataset({.users = 3, .videos = 8, .days = 4, .rows_per_day = 5});
}

inline std::shared_ptr<const Simulator> small_simulator() {
  return make_constant_simulator({.leave_after = 3, .watch_ratio = 0.5F, .signals = 0},
                                 {.num_users = 3, .num_videos = 8, .history = 2});
}

/// Two sessions side by side.
inline VectorEnv open_env(const std::shared_ptr<const Simulator>& simulator,
                          std::shared_ptr<const CandidateSource> candidates) {
  return VectorEnv(simulator, std::move(candidates),
                   {.num_envs = 2, .threads = 1, .history_length = kHistory, .max_steps = 4, .exclude_history = 2});
}

/// Lets a policy act for a few steps among `slots` candidates, or all videos ("full").
inline void act(const std::shared_ptr<const Simulator>& simulator, const char* source, const Policy& policy,
                int steps = 2) {
  VectorEnv env = open_env(simulator, make_candidate_source(source, simulator->catalogue, kSlots));
  const std::vector<std::uint64_t> seeds = {1, 2};
  const std::vector<RandomKey> keys = {make_key(1), make_key(2)};
  std::vector<std::int32_t> actions(2);
  std::vector<float> scores;
  DecisionBatch batch{.observation = env.reset(seeds), .env = &env, .keys = keys, .streams = {}};
  for (std::uint32_t step = 0; step < static_cast<std::uint32_t>(steps); ++step) {
    const std::vector<std::uint32_t> streams(2, step);
    batch.streams = streams;
    choose_actions(policy, batch, {}, simulator->catalogue.num_videos(), scores, actions);
    batch.observation = env.step(actions).observation;
  }
}

}  // namespace swipegym::fuzz
