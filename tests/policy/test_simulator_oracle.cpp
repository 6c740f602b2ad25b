#include <catch2/catch.hpp>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/select.h"
#include "policy/simulator_oracle.h"

namespace swipegym {
namespace {

/// Wants odd and even videos in turn; which parity comes first is the user's, so that what was shown matters.
class TurnModel final : public UserModel {
 public:
  explicit TurnModel(float taste) : taste_(taste) {}
  std::string_view name() const noexcept override { return "turn"; }
  std::size_t state_size() const noexcept override { return 2; }  // parity last watched, videos shown
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }
  void begin(UserIndex user, std::int64_t, std::span<float> state) const override {
    state[0] = static_cast<float>(index_of(user) % 2), state[1] = 0.0F;
  }
  void begin_next_session(std::int64_t, std::span<float>) const override {}
  std::int64_t draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey, Scratch&) const override {
    return 1;
  }
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const float ratio = mean(shown[i], states[i]) * (0.5F + RandomStream(keys[i], streams[i]).uniform());
      out[i] = {.watch_ratio = ratio, .play_ms = static_cast<std::int32_t>(ratio * shown[i].duration_ms)};
      watch(shown[i], ratio, states[i]);
      out[i].leaves = states[i][1] >= 6.0F;
    }
  }
  void advance(std::span<const Shown> shown, std::span<const Response> seen, std::span<float* const> states,
               ExposureKind, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) watch(shown[i], seen[i].watch_ratio, states[i]);
  }
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind,
              std::span<Expectation> out, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      out[i] = {};
      out[i].watch_s = mean(shown[i], states[i]);
    }
  }

 private:
  float mean(const Shown& shown, const float* state) const {
    const bool turn = static_cast<float>(index_of(shown.video) % 2) != state[0];
    return (turn ? 1.0F : 0.1F) + taste_ * static_cast<float>(index_of(shown.video)) / 1000.0F;
  }
  // Only what was watched for a while counts: the answer matters, not just the showing.
  static void watch(const Shown& shown, float ratio, float* state) {
    if (ratio > 0.6F) state[0] = static_cast<float>(index_of(shown.video) % 2);
    state[1] += 1.0F;
  }
  float taste_;
};

std::shared_ptr<const Simulator> turn_simulator(float taste) {
  auto simulator = std::make_shared<Simulator>(*make_constant_simulator({}));
  simulator->model = std::make_shared<TurnModel>(taste);
  return simulator;
}

}  // namespace

TEST_CASE("in its own simulator it chooses as the oracle inside does, all through a session", "[policy]") {
  const auto simulator = turn_simulator(0.2F);
  constexpr std::size_t kEnvs = 70;  // more than a chunk
  VectorEnv env(simulator, std::make_shared<RandomCandidates>(500, 6), {.num_envs = kEnvs, .threads = 2});
  std::vector<std::uint64_t> seeds;
  std::vector<RandomKey> keys(kEnvs);
  std::vector<std::uint32_t> steps(kEnvs, 0);
  for (std::size_t i = 0; i < kEnvs; ++i) seeds.push_back(i);
  env.reset(seeds);
  const SimulatorOracle outside(simulator);
  for (int step = 0; step < 5; ++step) {
    const DecisionBatch batch{env.observation(), &env, keys, steps, 2};
    std::vector<float> mine(kEnvs * 6), theirs(kEnvs * 6);
    outside.score(batch, mine);
    OneStepOracle().score(batch, theirs);
    CHECK(mine == theirs);
    std::vector<std::int32_t> actions(kEnvs);
    select_actions(batch, mine, Exploration::greedy(), actions);
    env.step(actions);
  }
}

TEST_CASE("elsewhere it follows its own beliefs", "[policy]") {
  const auto life = turn_simulator(0.0F), believed = turn_simulator(-5.0F);  // believes that early videos are better
  VectorEnv env(life, std::make_shared<RandomCandidates>(500, 6), {.num_envs = 1});
  env.reset(std::vector<std::uint64_t>{3});
  const std::vector<RandomKey> keys(1);
  const std::vector<std::uint32_t> steps(1, 0);
  std::vector<float> scores(6);
  SimulatorOracle(believed).score({env.observation(), &env, keys, steps, 1}, scores);
  std::vector<std::int32_t> action(1);
  select_actions({env.observation(), &env, keys, steps, 1}, scores, Exploration::greedy(), action);
  const std::int32_t chosen = env.observation().candidate[action[0]];
  int earlier = 0;
  for (std::size_t slot = 0; slot < 6; ++slot) earlier += env.observation().candidate[slot] < chosen - 200;
  CHECK(earlier == 0);  // .9 of liking is worth 180 places
}

TEST_CASE("without an environment there is nothing to look on at", "[policy]") {
  std::vector<float> scores(4);
  CHECK_THROWS_AS(SimulatorOracle(turn_simulator(0.0F)).score({}, scores), InputError);
}

}  // namespace swipegym
