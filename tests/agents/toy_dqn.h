#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "agents/dqn/dqn_config.h"
#include "policy/policy.h"
#include "tests/sanitized.h"

namespace swipegym::test {

// Under a sanitizer the same code runs, for a fraction of the steps; what was learned is not asked then.
constexpr std::int64_t shortened(std::int64_t count) {
  return testing::kSanitized ? count / 20 : count;
}

// Small and quick; rewards are watch ratios, so that values are easy to say.
inline DqnConfig quick_dqn_config() {
  DqnConfig config;
  config.world.candidates = 5;
  config.num_envs = 64;
  config.world.history_length = 4;
  config.world.max_steps = 20;
  config.world.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
  config.env_steps = shortened(40'000);
  config.round_steps = shortened(10'000);
  config.learning_starts = shortened(1'000);
  config.replay_capacity = 20'000;
  config.batch = 128;
  config.reward_scale = 1.0F;
  config.learning_rate = 3e-3;
  config.weight_decay = 0.0;
  config.target_every = 20;
  config.n_step = 1;
  config.huber_delta = 5.0F;
  config.network = {.state_hidden = {32}, .item_hidden = {16}, .width = 8, .interaction_hidden = 8};
  return config;
}

/// Scores of fresh sessions' candidates: [num_envs, slots], and the videos they are of.
struct FreshScores {
  FreshScores(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, const Policy& policy)
      : scores(config.num_envs * config.world.candidates), videos(scores.size()) {
    VectorEnv env = make_training_env(std::move(simulator), config, 1);
    std::vector<std::uint64_t> seeds(config.num_envs);
    std::iota(seeds.begin(), seeds.end(), 1000);
    const ObservationView view = env.reset(seeds);
    const std::vector<RandomKey> keys(config.num_envs);
    const std::vector<std::uint32_t> streams(config.num_envs);
    policy.score({view, &env, keys, streams, 1}, scores);
    std::copy_n(view.candidate, videos.size(), videos.begin());
  }
  std::vector<float> scores;
  std::vector<std::int32_t> videos;
};

}  // namespace swipegym::test
