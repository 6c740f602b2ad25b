#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "env/candidate_sources.h"
#include "env/step_speed.h"
#include "env/vector_env.h"
#include "tests/env/noisy_user_model.h"
#include "tests/env/quick_fit.h"
#include "tests/env/two_minds.h"

namespace swipegym {
namespace {

constexpr std::size_t kManyEnvs = 100;

VectorEnv sessions(const std::shared_ptr<const Simulator>& simulator, RewardKind rewards, const RewardWeights& reward,
                   int threads = 1, std::size_t slate = 1) {
  return {simulator,
          make_candidate_source("random", simulator->catalogue, 10),
          {.num_envs = kManyEnvs,
           .threads = threads,
           .max_steps = 15,
           .slate = slate,
           .reward = reward,
           .rewards = rewards}};
}

// Of `steps` uniform choices: every reward, [steps, envs]; `expected` those that the env foresaw for slates of one.
struct Played {
  std::vector<float> reward, expected;
  std::vector<float> watch_s;
};
Played play(VectorEnv env, int steps) {
  UniformActions actions(1);
  env.reset(session_seeds(1, kManyEnvs));
  Played out;
  std::vector<Expectation> foreseen(kManyEnvs * 10);
  for (int t = 0; t < steps; ++t) {
    const std::span<const std::int32_t> chosen = actions.draw(env);
    env.expect_all(foreseen);
    std::vector<float> of_choice(kManyEnvs);
    for (std::size_t row = 0; row < kManyEnvs; ++row) {
      const Expectation& one = foreseen[row * 10 + static_cast<std::size_t>(chosen[row * env.config().slate])];
      const RewardWeights& weights = env.config().reward;
      of_choice[row] = weights.watch_s * one.watch_s + weights.watch_ratio * one.watch_ratio;
      for (std::size_t s = 0; s < kNumSignals; ++s) of_choice[row] += weights.signal[s] * one.signal[s];
    }
    const StepView& step = env.step(chosen);
    for (std::size_t row = 0; row < kManyEnvs; ++row) {
      out.reward.push_back(step.reward[row]);
      out.expected.push_back(step.autoreset[row] ? 0.0F : of_choice[row]);
      for (std::size_t k = 0; k < env.config().slate; ++k)
        out.watch_s.push_back(step.watch_s[row * env.config().slate + k]);
    }
  }
  return out;
}

RewardWeights seconds_and_likes() {
  RewardWeights reward{.watch_s = 1.0F, .watch_ratio = 0.5F};
  *reward.find("like") = 20.0F, *reward.find("click") = 3.0F;
  return reward;
}

double mean(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}
double variance(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += std::pow(static_cast<double>(value) - mean(values), 2);
  return sum / static_cast<double>(values.size());
}

TEST_CASE("an expected reward is what the model expected of the choice, and its draws move the state as ever",
          "[env][fit]") {
  const auto simulator = testing::quick_fit();
  for (const RewardWeights& reward : {RewardWeights{}, seconds_and_likes()}) {
    const Played expected = play(sessions(simulator, RewardKind::kExpected, reward), 30);
    const Played drawn = play(sessions(simulator, RewardKind::kDrawn, reward), 30);
    CHECK(expected.watch_s == drawn.watch_s);  // the same sessions
    for (std::size_t i = 0; i < expected.reward.size(); ++i)
      REQUIRE(expected.reward[i] == Approx(expected.expected[i]).epsilon(1e-5).margin(1e-6));
    // 3,000 draws beside their expectations: equal but for noise, four standard errors of it.
    const double noise = std::sqrt(variance(drawn.reward) / static_cast<double>(drawn.reward.size()));
    CHECK(std::abs(mean(expected.reward) - mean(drawn.reward)) < 4.0 * noise);
    CHECK(variance(expected.reward) < 0.7 * variance(drawn.reward));
  }
}

TEST_CASE("a pessimistic reward is the members' mean less deviations over them", "[env][members]") {
  const auto simulator = testing::make_two_minds({.num_videos = 400});
  VectorEnv env(simulator, std::make_shared<FullCatalogue>(),
                {.num_envs = 2, .threads = 1, .max_steps = 3, .rewards = RewardKind::kExpected, .pessimism = 0.5F});
  env.reset(std::vector<std::uint64_t>{1, 2});
  const StepView& step = env.step(std::vector<std::int32_t>{testing::kDoubted, 300});
  CHECK(step.reward[0] == Approx(6.0 - 0.5 * 8.0 / std::sqrt(2.0)));
  CHECK(step.reward[1] == 4.0F);
}

TEST_CASE("the expected rewards of a slate are of the videos that were watched", "[env]") {
  const auto simulator = make_noisy_simulator({.num_users = 50, .num_videos = 900});
  VectorEnv env = sessions(simulator, RewardKind::kExpected, {.watch_s = 0.0F, .watch_ratio = 1.0F}, 1, 4);
  UniformActions actions(1);
  env.reset(session_seeds(1, kManyEnvs));
  std::size_t cut = 0;
  for (int t = 0; t < 10; ++t) {
    const StepView& step = env.step(actions.draw(env));
    for (std::size_t row = 0; row < kManyEnvs; ++row) {
      const float one = 1.0F + 0.2F * static_cast<float>(step.observation.user[row] % 7) / 7.0F;  // of any video
      if (step.autoreset[row]) continue;
      cut += step.consumed[row] < 4 ? 1 : 0;
      CHECK(step.reward[row] == Approx(one * static_cast<float>(step.consumed[row])));
    }
  }
  CHECK(cut > 0);
}

TEST_CASE("with expected rewards a future counts for the probability that the user stays", "[env][fit]") {
  const auto simulator = testing::quick_fit();
  const auto tell = [&](RewardKind rewards, std::size_t slate, const auto& look) {
    VectorEnv env = sessions(simulator, rewards, {}, 1, slate);
    UniformActions actions(1);
    env.reset(session_seeds(1, kManyEnvs));
    for (int t = 0; t < 40; ++t) {
      const StepView& step = env.step(actions.draw(env));
      for (std::size_t row = 0; row < kManyEnvs; ++row)
        if (!step.autoreset[row]) look(step.stays[row], step.terminated[row] != 0);
    }
  };
  double count = 0.0, stays = 0.0, stayed = 0.0;
  tell(RewardKind::kExpected, 1, [&](float probability, bool left) {
    REQUIRE((probability > 0.0F && probability < 1.0F));
    count += 1.0, stays += static_cast<double>(probability), stayed += left ? 0.0 : 1.0;
  });
  const double share = stayed / count;
  CHECK(std::abs(stays / count - share) < 4.0 * std::sqrt(share * (1.0 - share) / count));
  const auto by_draws = [](float future, bool left) { REQUIRE(future == (left ? 0.0F : 1.0F)); };
  tell(RewardKind::kDrawn, 1, by_draws);
  tell(RewardKind::kExpected, 3, by_draws);
}

TEST_CASE("what a return to the app earns stays drawn beside expected seconds", "[env]") {
  const auto simulator = make_noisy_simulator();
  RewardWeights reward{.watch_s = 0.0F, .watch_ratio = 1.0F};
  const Played without = play(sessions(simulator, RewardKind::kExpected, reward), 20);
  reward.gap_h = 0.1F;
  const Played expected = play(sessions(simulator, RewardKind::kExpected, reward), 20);
  const Played drawn = play(sessions(simulator, RewardKind::kDrawn, reward), 20);
  reward.gap_h = 0.0F;
  const Played plain = play(sessions(simulator, RewardKind::kDrawn, reward), 20);
  std::size_t ends = 0;
  for (std::size_t i = 0; i < drawn.reward.size(); ++i) {
    const float gap = drawn.reward[i] - plain.reward[i];
    ends += gap > 0.0F ? 1 : 0;
    CHECK(expected.reward[i] - without.reward[i] == Approx(gap).margin(1e-4));
  }
  CHECK(ends > 50);
}

TEST_CASE("expected rewards are the same bytes for any number of threads", "[env][fit][threads]") {
  const auto simulator = testing::quick_fit();
  const Played one = play(sessions(simulator, RewardKind::kExpected, seconds_and_likes()), 10);
  CHECK(play(sessions(simulator, RewardKind::kExpected, seconds_and_likes(), 3), 10).reward == one.reward);
}

}  // namespace
}  // namespace swipegym
