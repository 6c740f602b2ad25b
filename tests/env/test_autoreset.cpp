// The counting model: every user leaves after three videos, so each mode is a row of integers.
#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/vector_env.h"

namespace swipegym {
namespace {

using Row = std::vector<int>;

struct Trace {
  Row terminated, truncated, autoreset, consumed, rewarded, position;
};

// Position is the number of videos of this session that the returned observation knows of.
Trace trace(AutoresetMode mode, int leave_after, int max_steps, int steps) {
  VectorEnv env(make_constant_simulator({.leave_after = leave_after}), std::make_shared<RandomCandidates>(500, 10),
                {.num_envs = 1, .max_steps = max_steps, .autoreset = mode});
  const std::array<std::uint64_t, 1> seed{1};
  const std::array<std::int32_t, 1> action{0};
  env.reset(seed);
  Trace rows;
  for (int t = 0; t < steps; ++t) {
    const StepView& step = env.step(action);
    rows.terminated.push_back(step.terminated[0]);
    rows.truncated.push_back(step.truncated[0]);
    rows.autoreset.push_back(step.autoreset[0]);
    rows.consumed.push_back(static_cast<int>(step.consumed[0]));
    rows.rewarded.push_back(step.reward[0] > 0.0F);
    rows.position.push_back(static_cast<int>(step.observation.context[0] * static_cast<float>(max_steps) + 0.5F));
    if (mode == AutoresetMode::kDisabled && (step.terminated[0] || step.truncated[0])) env.reset(seed);
  }
  return rows;
}

}  // namespace

TEST_CASE("next-step autoreset: the step after the end ignores its action and begins the next episode", "[env]") {
  const Trace rows = trace(AutoresetMode::kNextStep, 3, 100, 9);
  CHECK(rows.terminated == Row{0, 0, 1, 0, 0, 0, 1, 0, 0});
  CHECK(rows.truncated == Row{0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(rows.autoreset == Row{0, 0, 0, 1, 0, 0, 0, 1, 0});
  CHECK(rows.consumed == Row{1, 1, 1, 0, 1, 1, 1, 0, 1});
  CHECK(rows.rewarded == Row{1, 1, 1, 0, 1, 1, 1, 0, 1});
  CHECK(rows.position == Row{1, 2, 3, 0, 1, 2, 3, 0, 1});
}

TEST_CASE("same-step autoreset: the step that ends an episode returns the next one's first observation", "[env]") {
  const Trace rows = trace(AutoresetMode::kSameStep, 3, 100, 7);
  CHECK(rows.terminated == Row{0, 0, 1, 0, 0, 1, 0});
  CHECK(rows.truncated == Row{0, 0, 0, 0, 0, 0, 0});
  CHECK(rows.autoreset == Row{0, 0, 0, 0, 0, 0, 0});
  CHECK(rows.consumed == Row{1, 1, 1, 1, 1, 1, 1});
  CHECK(rows.rewarded == Row{1, 1, 1, 1, 1, 1, 1});
  CHECK(rows.position == Row{1, 2, 0, 1, 2, 0, 1});
}

TEST_CASE("without autoreset the caller resets", "[env]") {
  const Trace rows = trace(AutoresetMode::kDisabled, 3, 100, 7);
  CHECK(rows.terminated == Row{0, 0, 1, 0, 0, 1, 0});
  CHECK(rows.autoreset == Row{0, 0, 0, 0, 0, 0, 0});
  CHECK(rows.position == Row{1, 2, 3, 1, 2, 3, 1});
}

TEST_CASE("max_steps truncates and never merges with termination", "[env]") {
  const Trace rows = trace(AutoresetMode::kNextStep, 100, 2, 6);
  CHECK(rows.terminated == Row{0, 0, 0, 0, 0, 0});
  CHECK(rows.truncated == Row{0, 1, 0, 0, 1, 0});
  CHECK(rows.autoreset == Row{0, 0, 1, 0, 0, 1});
  const Trace both = trace(AutoresetMode::kNextStep, 3, 3, 3);  // the user leaves on the last step allowed
  CHECK(both.terminated == Row{0, 0, 1});
  CHECK(both.truncated == Row{0, 0, 0});
}

TEST_CASE("same-step autoreset keeps the last observation of the episode that ended", "[env]") {
  VectorEnv env(make_constant_simulator({.leave_after = 2}), std::make_shared<RandomCandidates>(500, 10),
                {.num_envs = 1, .autoreset = AutoresetMode::kSameStep});
  VectorEnv next(make_constant_simulator({.leave_after = 2}), std::make_shared<RandomCandidates>(500, 10),
                 {.num_envs = 1, .autoreset = AutoresetMode::kNextStep});
  const std::array<std::uint64_t, 1> seed{6};
  const std::array<std::int32_t, 1> action{3};
  env.reset(seed), next.reset(seed);
  env.step(action), next.step(action);
  const StepView& same = env.step(action);
  const StepView& last = next.step(action);
  REQUIRE(same.terminated[0] == 1);
  const ObservationView& kept = same.final_observation;
  const ObservationView& truth = last.observation;
  CHECK(kept.user[0] == truth.user[0]);
  CHECK(std::equal(kept.history_video, kept.history_video + 50, truth.history_video));
  CHECK(std::equal(kept.candidate, kept.candidate + 10, truth.candidate));
  CHECK(std::equal(kept.context, kept.context + kContextFeatures, truth.context));
  const StepView& begun = next.step(action);
  CHECK(same.observation.user[0] == begun.observation.user[0]);
  CHECK(std::equal(same.observation.candidate, same.observation.candidate + 10, begun.observation.candidate));
}

TEST_CASE("stepping a finished env is an error that names it, until it is reset by mask", "[env]") {
  VectorEnv env(make_constant_simulator({.leave_after = 1}), std::make_shared<RandomCandidates>(500, 10),
                {.num_envs = 2, .autoreset = AutoresetMode::kDisabled});
  const std::array<std::uint64_t, 2> seeds{1, 2};
  const std::array<std::int32_t, 2> actions{0, 0};
  env.reset(seeds);
  env.step(actions);
  env.reset(seeds, std::array<std::uint8_t, 2>{1, 0});
  CHECK_THROWS_WITH(env.step(actions), Catch::Contains("env 1 has finished"));
  CHECK_THROWS_AS(env.step(actions), InputError);
  env.reset(seeds, std::array<std::uint8_t, 2>{0, 1});
  CHECK_NOTHROW(env.step(actions));
}

TEST_CASE("a masked reset leaves the other rows alone", "[env]") {
  VectorEnv env(make_constant_simulator({.leave_after = 50}), std::make_shared<RandomCandidates>(500, 10),
                {.num_envs = 2});
  const std::array<std::uint64_t, 2> seeds{1, 2};
  CHECK_THROWS_WITH(env.reset(seeds, std::array<std::uint8_t, 2>{1, 0}), Catch::Contains("first reset"));
  env.reset(seeds);
  env.step(std::array<std::int32_t, 2>{0, 0});
  const std::vector<std::int32_t> other(env.observation().candidate + 10, env.observation().candidate + 20);
  const ObservationView seen = env.reset(seeds, std::array<std::uint8_t, 2>{1, 0});
  CHECK(seen.context[0] == 0.0F);
  CHECK(seen.context[kContextFeatures] > 0.0F);
  CHECK(std::equal(other.begin(), other.end(), seen.candidate + 10));
}

TEST_CASE("the next episode of a row is the one that autoreset would begin, over or not", "[env]") {
  const auto simulator = make_constant_simulator({.leave_after = 2});
  const auto source = std::make_shared<RandomCandidates>(500, 10);
  VectorEnv asked(simulator, source, {.num_envs = 2, .autoreset = AutoresetMode::kDisabled});
  VectorEnv autoreset(simulator, source, {.num_envs = 2, .autoreset = AutoresetMode::kNextStep});
  const std::array<std::uint64_t, 2> seeds{6, 9};
  const std::array<std::int32_t, 2> actions{3, 3};
  const auto same_rows = [&] {
    return std::equal(asked.observation().candidate, asked.observation().candidate + 20,
                      autoreset.observation().candidate);
  };
  CHECK_THROWS_WITH(asked.next_episode(), Catch::Contains("first reset"));
  asked.reset(seeds), autoreset.reset(seeds);
  for (int t = 0; t < 2; ++t) asked.step(actions), autoreset.step(actions);
  asked.next_episode(), autoreset.step(actions);
  CHECK(same_rows());
  asked.step(actions), autoreset.next_episode();  // one drops a session that has begun, the other a new one
  CHECK_FALSE(same_rows());
  asked.next_episode();
  CHECK(same_rows());
  const std::array<std::uint8_t, 2> second{0, 1};
  asked.next_episode(second);
  const ObservationView seen = autoreset.observation();
  CHECK(std::equal(seen.candidate, seen.candidate + 10, asked.observation().candidate));
  CHECK_FALSE(std::equal(seen.candidate + 10, seen.candidate + 20, asked.observation().candidate + 10));
  CHECK_THROWS_AS(asked.next_episode(std::array<std::uint8_t, 1>{1}), InputError);
}

}  // namespace swipegym
