#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "env/candidate_sources.h"
#include "env/expected_reward.h"
#include "env/seen_videos.h"
#include "policy/one_step_oracle.h"
#include "policy/select.h"
#include "tests/env/quick_fit.h"

namespace swipegym {
namespace {

constexpr std::size_t kOracleRows = 5, kOracleSlate = 10;

// Sessions of a fitted simulator a few videos on, each at another place.
struct OracleSessions {
  OracleSessions(const std::shared_ptr<const Simulator>& simulator, std::shared_ptr<const CandidateSource> source,
                 const RewardWeights& reward, int threads)
      : env(simulator, std::move(source), config(reward, threads)), batch{} {
    std::vector<std::uint64_t> seeds(kOracleRows);
    std::iota(seeds.begin(), seeds.end(), 7);
    env.reset(seeds);
    std::vector<std::int32_t> actions(kOracleRows);
    for (std::int32_t step = 0; step < 3; ++step) {
      for (std::size_t row = 0; row < kOracleRows; ++row) actions[row] = 20 * step + static_cast<std::int32_t>(row);
      env.step(actions);
    }
    batch = {.observation = env.observation(), .env = &env, .keys = {}, .streams = {}, .threads = threads};
  }
  static VectorEnvConfig config(const RewardWeights& reward, int threads) {
    VectorEnvConfig config{.num_envs = kOracleRows, .threads = threads};
    config.invalid_action = InvalidAction::kRedraw;
    config.reward = reward;
    return config;
  }
  // What showing one video is worth, asked by itself and with all that a model says of it.
  float alone(std::size_t row, std::int32_t video) const {
    Expectation expectation;
    env.expect_videos(row, {&video, 1}, {&expectation, 1});
    return expected_reward(env.config().reward, expectation);
  }
  VectorEnv env;
  DecisionBatch batch;
};

// A reward of watch time, for which the oracle leaves signals alone, and one that asks for them.
std::vector<RewardWeights> oracle_rewards() {
  RewardWeights watch{.watch_s = 1.0F, .watch_ratio = 2.0F}, liked = watch;
  liked.signal[static_cast<std::size_t>(Signal::kLike)] = 10.0F;
  liked.signal[static_cast<std::size_t>(Signal::kLongView)] = -3.0F;
  return {watch, liked};
}

}  // namespace

TEST_CASE("what the oracle asks for many rows and videos together is what it hears of each alone", "[policy]") {
  const auto simulator = testing::quick_fit();
  const auto videos = static_cast<std::int32_t>(simulator->catalogue.num_videos());
  for (const RewardWeights& reward : oracle_rewards()) {
    for (const int threads : {1, 2, 8}) {  // whole rows side by side, or one row's videos in pieces
      CAPTURE(reward.signal[static_cast<std::size_t>(Signal::kLike)], threads);
      const OracleSessions sessions(simulator, std::make_shared<FullCatalogue>(), reward, threads);
      std::vector<std::uint32_t> rows = {4, 0, 3};  // any rows, in any order
      std::vector<std::int32_t> slates(rows.size() * kOracleSlate);
      REQUIRE(OneStepOracle().best_videos(sessions.batch, rows, kOracleSlate, slates));
      std::vector<float> scores(kOracleRows * simulator->catalogue.num_videos());
      OneStepOracle().score(sessions.batch, scores);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<std::pair<float, std::int32_t>> order;  // least first, of equal ones the later
        for (std::int32_t video = 0; video < videos; ++video) {
          const float alone = sessions.alone(rows[i], video);
          REQUIRE(scores[rows[i] * static_cast<std::size_t>(videos) + static_cast<std::size_t>(video)] == alone);
          if (!sessions.env.seen(rows[i]).contains(static_cast<std::uint32_t>(video))) order.push_back({-alone, video});
        }
        std::sort(order.begin(), order.end());
        for (std::size_t place = 0; place < kOracleSlate; ++place)
          CHECK(slates[i * kOracleSlate + place] == order[place].second);
      }
    }
  }
}

TEST_CASE("candidates are asked about together as they are alone", "[policy]") {
  const auto simulator = testing::quick_fit();
  for (const RewardWeights& reward : oracle_rewards())
    for (const std::size_t slots : {std::size_t{10}, std::size_t{300}}) {
      CAPTURE(reward.signal[static_cast<std::size_t>(Signal::kLike)], slots);
      const auto source = std::make_shared<RandomCandidates>(simulator->catalogue.num_videos(), slots);
      const OracleSessions sessions(simulator, source, reward, 2);
      const ObservationView& seen = sessions.batch.observation;
      std::vector<float> scores(kOracleRows * slots);
      OneStepOracle().score(sessions.batch, scores);
      for (std::size_t row = 0; row < kOracleRows; ++row)
        for (std::size_t at = row * slots; at < (row + 1) * slots; ++at)
          if (seen.mask[at]) REQUIRE(scores[at] == sessions.alone(row, seen.candidate[at]));
    }
}

TEST_CASE("who asks for the watch alone hears the same of it, and nothing of the signals", "[policy]") {
  const OracleSessions sessions(testing::quick_fit(), std::make_shared<FullCatalogue>(), {}, 1);
  std::vector<std::int32_t> videos(100);
  std::iota(videos.begin(), videos.end(), 200);
  std::vector<Expectation> all(videos.size()), watch(videos.size());
  sessions.env.expect_videos(2, videos, all);
  sessions.env.expect_videos(2, videos, watch, ExpectedPart::kWatch);
  for (std::size_t i = 0; i < videos.size(); ++i) {
    REQUIRE(watch[i].watch_s == all[i].watch_s);
    REQUIRE(watch[i].watch_ratio == all[i].watch_ratio);
    REQUIRE(all[i].signal[0] > 0.0F);
    REQUIRE(watch[i].signal[0] == 0.0F);
  }
}

}  // namespace swipegym
