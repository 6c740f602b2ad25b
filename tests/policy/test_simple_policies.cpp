#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/expected_reward.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/select.h"

namespace swipegym {
namespace {

// A toy world stepped by one policy.
struct World {
  explicit World(std::size_t envs, std::size_t slots, const std::string& source = "random", std::size_t videos = 60)
      : simulator(make_constant_simulator({.leave_after = 5, .watch_ratio = 0.5F}, {.num_videos = videos})),
        env(simulator, make_candidate_source(source, simulator->catalogue, slots),
            {.num_envs = envs, .threads = 1, .history_length = 10, .max_steps = 10}),
        streams(envs, 0) {
    std::vector<std::uint64_t> seeds;
    for (std::size_t i = 0; i < envs; ++i) seeds.push_back(i), keys.push_back(split(make_key(3), i));
    env.reset(seeds);
  }
  DecisionBatch batch() const { return {env.observation(), &env, keys, streams, 1}; }
  std::vector<float> score(const Policy& policy) const {
    const DecisionBatch now = batch();
    std::vector<float> scores(now.observation.rows * num_slots(now.observation, simulator->catalogue.num_videos()));
    policy.score(now, scores);
    return scores;
  }
  std::vector<std::int32_t> choose(const Policy& policy) const {
    std::vector<std::int32_t> actions(env.config().num_envs);
    select_actions(batch(), score(policy), Exploration::greedy(), actions);
    return actions;
  }
  std::shared_ptr<const Simulator> simulator;
  VectorEnv env;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
};

TEST_CASE("item policies rank candidates by their column of the catalogue", "[policy]") {
  const World world(4, 8);
  const Catalogue& catalogue = world.simulator->catalogue;
  const ObservationView seen = world.env.observation();
  const auto check = [&](const char* name, auto better) {
    const std::vector<std::int32_t> actions = world.choose(*make_policy(name, *world.simulator));
    for (std::size_t row = 0; row < 4; ++row) {
      const std::int32_t* candidate = seen.candidate + row * 8;
      const auto shown = static_cast<std::size_t>(candidate[actions[row]]);
      for (std::size_t slot = 0; slot < 8; ++slot)
        CHECK_FALSE(better(static_cast<std::size_t>(candidate[slot]), shown));
    }
  };
  check("popularity", [&](std::size_t a, std::size_t b) { return catalogue.exposures[a] > catalogue.exposures[b]; });
  check("shortest", [&](std::size_t a, std::size_t b) { return catalogue.duration_ms[a] < catalogue.duration_ms[b]; });
  check("longest", [&](std::size_t a, std::size_t b) { return catalogue.duration_ms[a] > catalogue.duration_ms[b]; });
  check("item-mean", [&](std::size_t a, std::size_t b) { return catalogue.item_mean[a] > catalogue.item_mean[b]; });
}

TEST_CASE("the random policy's choice is uniform over the slots and fresh every step", "[policy]") {
  World world(2000, 5);
  const RandomPolicy policy;
  CHECK(policy.scores_are_random());
  std::vector<int> count(5, 0);
  const std::vector<std::int32_t> first = world.choose(policy);
  for (const std::int32_t slot : first) ++count[static_cast<std::size_t>(slot)];
  for (const int times : count) CHECK(times == Approx(400).margin(4 * 18));  // 4 standard deviations
  world.streams.assign(2000, 1);
  CHECK(world.choose(policy) != first);
}

TEST_CASE("the one-step oracle scores the expected reward under the env's weights", "[policy]") {
  // Every video is watched to half, so the best of the candidates is the longest.
  const World world(6, 7);
  CHECK(world.choose(OneStepOracle{}) == world.choose(*make_longest_policy(world.simulator->catalogue)));
  RewardWeights weights{.watch_s = 0.1F, .watch_ratio = 2.0F};
  weights.signal[static_cast<std::size_t>(Signal::kLike)] = 3.0F;
  Expectation expectation;
  expectation.watch_s = 20.0F, expectation.watch_ratio = 0.5F;
  expectation.signal[static_cast<std::size_t>(Signal::kLike)] = 0.25F;
  CHECK(expected_reward(weights, expectation) == Approx(2.0 + 1.0 + 0.75));
  DecisionBatch blind = world.batch();
  blind.env = nullptr;
  std::vector<float> scores(6 * 7);
  CHECK_THROWS_AS(OneStepOracle{}.score(blind, scores), InputError);
}

TEST_CASE("with the full catalogue a slot is a video, and what was shown is not chosen again", "[policy]") {
  World world(3, 0, "full");
  for (const char* name : {"longest", "oracle"}) {
    const auto policy = make_policy(name, *world.simulator);
    std::vector<std::vector<std::int32_t>> shown(3);
    for (int step = 0; step < 4; ++step) {
      const std::vector<std::int32_t> actions = world.choose(*policy);
      for (std::size_t row = 0; row < 3; ++row) {
        CHECK(std::count(shown[row].begin(), shown[row].end(), actions[row]) == 0);
        shown[row].push_back(actions[row]);
      }
      world.env.step(actions);
    }
    std::vector<std::uint64_t> seeds = {10, 11, 12};
    world.env.reset(seeds);
  }
}

TEST_CASE("an unknown policy is refused with the names there are", "[policy]") {
  const World world(1, 2);
  CHECK_THROWS_AS(make_policy("populrity", *world.simulator), InputError);
  CHECK_THROWS_WITH(make_policy("populrity", *world.simulator), Catch::Contains("popularity"));
}

}  // namespace
}  // namespace swipegym
