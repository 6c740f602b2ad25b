#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/select.h"
#include "policy/simulator_oracle.h"
#include "tests/env/two_minds.h"

namespace swipegym {
namespace {

constexpr std::size_t kMindedVideos = 400;
// Where the choice flips: 6 - k 8 / sqrt(2) = 4.
const float kFlip = std::sqrt(2.0F) / 4.0F;

// Sessions of two minds that are offered some videos at a time, or all (0).
struct MindedSessions {
  explicit MindedSessions(std::size_t slots)
      : simulator(testing::make_two_minds({.num_videos = kMindedVideos})), env(simulator, source(slots), config()) {
    env.reset(std::vector<std::uint64_t>{1, 2, 3});
  }
  static std::shared_ptr<const CandidateSource> source(std::size_t slots) {
    if (slots == 0) return std::make_shared<FullCatalogue>();
    return std::make_shared<RandomCandidates>(kMindedVideos, slots);
  }
  static VectorEnvConfig config() { return {.num_envs = 3, .threads = 1, .max_steps = 3, .exclude_history = 0}; }
  DecisionBatch batch() const {
    return {.observation = env.observation(), .env = &env, .keys = keys, .streams = streams};
  }
  // In how many sessions the policy takes the video in doubt, by its scores; of all videos also as best_videos() says.
  int taken(const Policy& policy) const {
    const std::size_t slots = num_slots(env.observation(), kMindedVideos);
    std::vector<float> scores(3 * slots);
    policy.score(batch(), scores);
    std::vector<std::int32_t> actions(3), best(3);
    select_actions(batch(), scores, Exploration::greedy(), actions);
    int count = 0;
    for (std::size_t row = 0; row < 3; ++row)
      count += video_in_slot(env.observation(), row, static_cast<std::size_t>(actions[row])) == testing::kDoubted;
    const std::vector<std::uint32_t> rows = {0, 1, 2};
    if (env.observation().candidates == 0 && policy.best_videos(batch(), rows, 1, best))
      CHECK(std::count(best.begin(), best.end(), testing::kDoubted) == count);
    return count;
  }
  std::shared_ptr<const Simulator> simulator;
  VectorEnv env;
  std::vector<RandomKey> keys = std::vector<RandomKey>(3);
  std::vector<std::uint32_t> streams = std::vector<std::uint32_t>(3, 0);
};

}  // namespace

TEST_CASE("pessimism leaves a doubted video alone from the k on that a closed form gives", "[policy][members]") {
  for (const std::size_t slots : {std::size_t{0}, kMindedVideos - 10, std::size_t{250}}) {  // all; row by row; together
    CAPTURE(slots);
    MindedSessions sessions(slots);
    int offered = 3;
    if (slots > 0) {
      const ObservationView seen = sessions.env.observation();
      offered = static_cast<int>(std::count(seen.candidate, seen.candidate + 3 * slots, testing::kDoubted));
    }
    REQUIRE(offered > 0);
    CHECK(sessions.taken(OneStepOracle()) == offered);
    CHECK(sessions.taken(OneStepOracle(0.99F * kFlip)) == offered);
    CHECK(sessions.taken(OneStepOracle(1.01F * kFlip)) == 0);
    if (slots == 0) continue;
    CHECK(sessions.taken(SimulatorOracle(sessions.simulator)) == offered);
    CHECK(sessions.taken(SimulatorOracle(sessions.simulator, 0.99F * kFlip)) == offered);
    CHECK(sessions.taken(SimulatorOracle(sessions.simulator, 1.01F * kFlip)) == 0);
  }
}

TEST_CASE("a pessimistic oracle has a word, and is no upper end of a scale", "[policy][members]") {
  MindedSessions sessions(0);
  CHECK(oracle_pessimism("oracle") == 0.0F);
  CHECK(oracle_pessimism("oracle:0.5") == 0.5F);
  CHECK(oracle_pessimism("oracles") == std::nullopt);
  CHECK(sessions.taken(*make_policy("oracle:0.25", *sessions.simulator)) == 3);
  CHECK(sessions.taken(*make_policy("oracle:0.5", *sessions.simulator)) == 0);
  CHECK(make_policy("oracle", *sessions.simulator)->is_oracle());
  CHECK_FALSE(make_policy("oracle:0.5", *sessions.simulator)->is_oracle());
  CHECK(make_policy("oracle:0.5", *sessions.simulator)->name() == "oracle:0.5");
  for (const char* wrong : {"oracle:", "oracle:-1", "oracle:inf", "oracle:1x"})
    CHECK_THROWS_WITH(make_policy(wrong, *sessions.simulator), Catch::Contains("a number from 0 to 1000"));
  // A single fit disagrees with nobody: refused when the policy is made, and where only the env knows.
  const auto single = make_constant_simulator({});
  CHECK_NOTHROW(make_policy("oracle:0", *single));
  CHECK_THROWS_WITH(make_policy("oracle:1", *single), Catch::Contains("--members"));
  CHECK_THROWS_WITH(SimulatorOracle(single, 1.0F), Catch::Contains("--members"));
  VectorEnv env(single, std::make_shared<RandomCandidates>(500, 5), {.num_envs = 2, .threads = 1});
  env.reset(std::vector<std::uint64_t>{1, 2});
  std::vector<float> scores(10);
  CHECK_THROWS_WITH(
      OneStepOracle(1.0F).score({.observation = env.observation(), .env = &env, .keys = {}, .streams = {}}, scores),
      Catch::Contains("--members"));
}

}  // namespace swipegym
