// Double, n-step, prioritised replay, Boltzmann and dueling: each must change the result the way it is meant to.

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "agents/dqn/dqn_learner.h"
#include "core/error.h"
#include "tests/agents/toy_dqn.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/env/two_minds.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using Catch::Matchers::Contains;
using test::FreshScores;
using test::LadderModel;
using test::make_toy_simulator;
using test::ToyModel;

DqnConfig toy_config() {
  DqnConfig config = test::quick_dqn_config();
  config.world.history_length = 8;
  config.env_steps = config.round_steps = test::shortened(20'000);
  config.epsilon_start = config.epsilon_end = 1.0F;
  return config;
}

/// Every video is watched to 0 or 1, as a coin falls; sessions last 3 videos. All are worth the same: a value above
/// .5 (1 + d + d^2) is noise that a maximum picked out.
class CoinModel final : public ToyModel {
 public:
  std::string_view name() const noexcept override { return "coin"; }
  std::size_t state_size() const noexcept override { return 1; }
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      out[i] = {};
      out[i].watch_ratio = RandomStream(keys[i], streams[i]).uniform() < 0.5F ? 0.0F : 1.0F;
      out[i].leaves = ++states[i][0] >= 3.0F;
    }
  }

 protected:
  float ratio(std::uint32_t, const float*) const override { return 0.5F; }
  bool move_on(std::uint32_t, float*) const override { return false; }
};

TEST_CASE("double Q-learning overestimates less where all videos are alike and rewards are noisy", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<CoinModel>());
  DqnConfig config = toy_config();
  config.world.candidates = 20;
  config.discount = 0.9F;
  config.replay_capacity = 1'000;  // 5 plays of each video: enough to lead astray
  config.learning_rate = 0.03;
  config.target_every = 300;  // by then all of them are others, and so is what they suggest
  config.env_steps = test::shortened(80'000);
  config.round_steps = config.env_steps;
  config.network.id_dim = 8;
  const auto excess = [&](bool double_q) {
    config.double_q = double_q;
    const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 3, .threads = 1});
    const FreshScores fresh(simulator, config, *trained.policy);
    const double mean =
        std::accumulate(fresh.scores.begin(), fresh.scores.end(), 0.0) / static_cast<double>(fresh.scores.size());
    return mean - 0.5 * (1.0 + 0.9 + 0.81);
  };
  const double plain = excess(false), twice = excess(true);
  if (testing::skips_quality()) return;
  CAPTURE(plain, twice);
  CHECK(plain > 0.2);
  CHECK(std::abs(twice) < 0.75 * plain);
}

TEST_CASE("with expected rewards values do not follow the coins", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<CoinModel>());
  DqnConfig config = toy_config();
  config.discount = 0.0F;
  config.learning_rate = 0.03;
  config.network.id_dim = 8;  // a vector a video: room for what its few plays came to
  const auto error = [&](const char* rewards) {
    config.rewards = rewards;
    const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 3, .threads = 1});
    const FreshScores fresh(simulator, config, *trained.policy);
    double sum = 0.0;
    for (const float score : fresh.scores) sum += std::pow(static_cast<double>(score) - 0.5, 2);
    return std::sqrt(sum / static_cast<double>(fresh.scores.size()));
  };
  const double drawn = error("drawn"), expected = error("expected");
  if (testing::skips_quality()) return;
  CAPTURE(drawn, expected);
  CHECK(drawn > 0.05);
  CHECK(expected < 0.5 * drawn);
}

/// The first of two videos is worth nothing, the second 1 where it is odd.
class SecondModel final : public ToyModel {
 public:
  std::string_view name() const noexcept override { return "second"; }
  std::size_t state_size() const noexcept override { return 1; }

 protected:
  float ratio(std::uint32_t video, const float* state) const override {
    return state[0] > 0.0F && video % 2 == 1 ? 1.0F : 0.0F;
  }
  bool move_on(std::uint32_t, float* state) const override { return ++state[0] >= 2.0F; }
};

TEST_CASE("with V(s') values do not follow what s' happened to be offered", "[agents]") {
  // There is no choice: what follows a first video is the one that is offered then, worth 1/2 on the mean.
  const auto simulator = make_toy_simulator(std::make_shared<SecondModel>());
  DqnConfig config = toy_config();
  config.world.candidates = 1;
  config.discount = 1.0F;
  config.learning_rate = 0.01F;
  config.replay_capacity = 500;  // 3 plays of each video, each with another one behind it
  config.network.id_dim = 8;
  const auto noise = [&](bool state_value) {
    config.state_value = state_value;
    double deviation = 0.0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const OnlineResult trained = test::train_dqn(simulator, config, {.seed = seed, .threads = 1});
      const FreshScores fresh(simulator, config, *trained.policy);
      double sum = 0.0, squares = 0.0;
      for (const float score : fresh.scores)
        sum += static_cast<double>(score), squares += std::pow(static_cast<double>(score), 2);
      const double count = static_cast<double>(fresh.scores.size()), mean = sum / count;
      deviation += std::sqrt(squares / count - mean * mean) / 5.0;
    }
    return deviation;
  };
  const double offered = noise(false), smooth = noise(true);
  if (testing::skips_quality()) return;
  CAPTURE(offered, smooth);
  CHECK(offered > 0.02);
  CHECK(smooth < 0.75 * offered);
}

TEST_CASE("quantiles tell how far what comes may lie from its mean", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<CoinModel>());
  DqnConfig config = toy_config();
  config.rewards = "drawn";
  config.discount = 0.0F;
  config.reward_scale = 10.0F;  // the Huber part of the loss has a width of 1
  config.network.id_dim = 0;
  config.network.outputs = 8;
  const auto spread = [&](const char* outputs) {  // a standard deviation of the outputs, in coins
    config.outputs_are = outputs;
    DqnLearner learner(simulator, config, 3, 1);
    VectorEnv env = make_training_env(simulator, config, 1);
    train_online(learner, env, {.seed = 3, .env_steps = config.env_steps, .round_steps = config.round_steps});
    const auto& policy = dynamic_cast<const ValuePolicy&>(learner.policy());
    const auto model = std::make_shared<ValueModel>(policy.model());
    const FreshScores mean(simulator, config, ValuePolicy(model));
    const FreshScores upper(simulator, config, ValuePolicy(model, {.kind = ActBy::Kind::kUpper, .deviations = 1.0F}));
    double sum = 0.0;
    for (std::size_t i = 0; i < mean.scores.size(); ++i)
      sum += static_cast<double>(upper.scores[i] - mean.scores[i]) / 10.0 / static_cast<double>(mean.scores.size());
    return sum;
  };
  const double quantiles = spread("quantiles"), members = spread("members");
  if (testing::skips_quality()) return;
  CAPTURE(quantiles, members);
  CHECK(quantiles == Approx(0.5).margin(0.1));  // heads are 1, tails are 0
  CHECK(members < 0.1);                         // of the mean, which hundreds of plays tell
}

TEST_CASE("a member learns from the rows that its coins leave it, the same whenever they are drawn", "[agents]") {
  constexpr std::size_t kRows = 200;
  constexpr Eigen::Index kMembers = 5;
  RegressionShard shard;
  shard.value.setZero(kRows, 1), shard.target.setOnes(kRows, 1);
  shard.outputs.setZero(kRows, kMembers);
  std::vector<std::uint64_t> id(kRows);
  std::iota(id.begin(), id.end(), 1'000);
  std::vector<float> errors(kRows);
  const RegressionSettings settings{.huber_delta = 5.0F, .outputs_are = OutputMeaning::kMembers, .batch = kRows};
  shard.judge(settings, {}, id, errors);
  const Matrix first = shard.d_value;
  const auto taught = static_cast<double>((first.array() != 0.0F).count());
  CHECK(taught / (kRows * kMembers) == Approx(0.5).margin(0.05));
  CHECK((first.col(0).array() != first.col(1).array()).count() > 50);  // coins of their own
  // Every error is 1, so a taught output adds a half, of the batch's mean over members.
  CHECK(shard.loss == Approx(0.5 * taught / (kRows * kMembers)));
  std::reverse(id.begin(), id.end());
  shard.judge(settings, {}, id, errors);
  CHECK(shard.d_value == first.colwise().reverse());
}

TEST_CASE("by Thompson an env follows one member, by UCB it prefers what they do not agree about", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(1));
  DqnConfig config = toy_config();
  config.outputs_are = "members";
  config.network.outputs = 8;
  const auto chosen = [&](std::uint64_t key, std::size_t envs) {  // by 64 envs whose keys begin at `key`
    const DqnLearner learner(simulator, config, 3, 1);
    VectorEnv env = make_training_env(simulator, config, 1);
    std::vector<std::uint64_t> seeds(config.num_envs);
    std::iota(seeds.begin(), seeds.end(), 1000);
    const ObservationView view = env.reset(seeds);
    std::vector<RandomKey> keys;
    for (std::size_t i = 0; i < config.num_envs; ++i) keys.push_back(make_key(key + i % envs));
    const std::vector<std::uint32_t> streams(config.num_envs);
    std::vector<float> scores;
    std::vector<std::int32_t> actions(config.num_envs);
    choose_actions(learner.policy(), {view, &env, keys, streams, 1}, learner.exploration(0), 200, scores, actions);
    return actions;
  };
  config.exploration = "thompson";
  CHECK(chosen(1, 64) != chosen(1000, 64));
  config.exploration = "ucb", config.ucb_deviations = 0.0F;
  const std::vector<std::int32_t> mean = chosen(1, 64);
  CHECK(chosen(1000, 64) == mean);
  config.ucb_deviations = 5.0F;
  CHECK(chosen(1, 64) != mean);
  config.exploration = "thompson", config.network.outputs = 1;
  CHECK_THROWS_WITH(check(config), Contains("exploration") && Contains("network.outputs"));
}

TEST_CASE("pessimism teaches an agent to leave alone what members do not agree about", "[agents][members]") {
  // 4 s of any video; of one 6 s on the mean, less k deviations of 8 / sqrt(2) s: see tests/policy/test_pessimism.cpp.
  const auto simulator = make_toy_simulator(std::make_shared<testing::TwoMindsModel>(), 40);
  DqnConfig config = toy_config();
  config.world.reward = {.watch_s = 1.0F};
  config.rewards = "expected";
  config.env_steps = test::shortened(20'000), config.round_steps = config.env_steps;
  config.discount = 0.0F;
  config.reward_scale = 0.1F;
  config.network.id_dim = 8;
  const auto preferred = [&](float pessimism) {  // how often it takes that video, of the times that it is offered
    config.pessimism = pessimism;
    const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 3, .threads = 1});
    const FreshScores fresh(simulator, config, *trained.policy);
    const std::size_t slots = config.world.candidates;
    double offered = 0.0, taken = 0.0;
    for (std::size_t at = 0; at < fresh.scores.size(); ++at) {
      if (fresh.videos[at] != testing::kDoubted) continue;
      const auto row = fresh.scores.begin() + static_cast<std::ptrdiff_t>(at / slots * slots);
      offered += 1.0, taken += *std::max_element(row, row + static_cast<std::ptrdiff_t>(slots)) == fresh.scores[at];
    }
    return offered > 0.0 ? taken / offered : -1.0;
  };
  const double bold = preferred(0.0F), careful = preferred(0.6F);
  if (testing::skips_quality()) return;
  CAPTURE(bold, careful);
  CHECK(bold == 1.0);
  CHECK(careful == 0.0);
}

/// The first of five videos decides what the last one gives: 1 after an odd one, else 0.
class LateRewardModel final : public ToyModel {
 public:
  std::string_view name() const noexcept override { return "late"; }
  std::size_t state_size() const noexcept override { return 2; }  // videos shown; whether the first was odd

 protected:
  float ratio(std::uint32_t, const float* state) const override { return state[0] == 4.0F ? state[1] : 0.0F; }
  bool move_on(std::uint32_t video, float* state) const override {
    if (state[0] == 0.0F) state[1] = static_cast<float>(video % 2);
    return ++state[0] >= 5.0F;
  }
};

TEST_CASE("with n steps a reward reaches the choice that earned it sooner", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LateRewardModel>());
  DqnConfig config = toy_config();
  config.discount = 1.0F;
  config.target_every = 150;                   // one step a copy: four copies until the first step knows
  config.env_steps = test::shortened(36'000);  // 550 updates, fewer than that
  config.round_steps = config.env_steps;
  const auto gap = [&](int n_step) {  // between odd and even first videos; 1 when all is learned
    config.n_step = n_step;
    const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 4, .threads = 1});
    const FreshScores fresh(simulator, config, *trained.policy);
    double sum[2] = {}, count[2] = {};
    for (std::size_t i = 0; i < fresh.scores.size(); ++i) {
      sum[fresh.videos[i] % 2] += static_cast<double>(fresh.scores[i]);
      ++count[fresh.videos[i] % 2];
    }
    return sum[1] / count[1] - sum[0] / count[0];
  };
  const double one = gap(1), five = gap(5);
  if (testing::skips_quality()) return;
  CAPTURE(one, five);
  CHECK(five > 0.8);
  CHECK(one < 0.4);
}

constexpr std::size_t kRareVideos = 400;

/// One video in 400 is watched to 1, all others to 0; a session is one video.
class RareModel final : public ToyModel {
 public:
  std::string_view name() const noexcept override { return "rare"; }
  std::size_t state_size() const noexcept override { return 1; }

 protected:
  float ratio(std::uint32_t video, const float*) const override { return video == 7 ? 1.0F : 0.0F; }
  bool move_on(std::uint32_t, float*) const override { return true; }
};

TEST_CASE("prioritised replay learns a rare transition sooner", "[agents]") {
  const auto toy = make_toy_simulator(std::make_shared<RareModel>(), kRareVideos);
  auto simulator = std::make_shared<Simulator>(*toy);
  simulator->catalogue.video_features[7 * kVideoFeatures + 4] = 1.0F;
  DqnConfig config = toy_config();
  config.discount = 0.0F;
  config.replay_capacity = 2'000;  // by luck one batch of 128 in four holds the rare video
  config.steps_per_update = 8;
  config.learning_starts = test::shortened(2'000);
  config.env_steps = test::shortened(4'000);
  config.round_steps = config.env_steps;
  config.learning_rate = 0.005;
  config.prioritised.alpha = 1.0F, config.prioritised.beta = 0.0F;
  const auto error = [&](bool prioritised) {  // of the rare video's value
    config.prioritised.enabled = prioritised;
    double sum = 0.0, count = 0.0;
    for (const std::uint64_t seed : {3, 4, 5}) {
      const OnlineResult trained = test::train_dqn(simulator, config, {.seed = seed, .threads = 1});
      DqnConfig probe = config;
      probe.world.source = "sample", probe.world.candidates = kRareVideos;  // every video
      const FreshScores fresh(simulator, probe, *trained.policy);
      for (std::size_t i = 0; i < fresh.scores.size(); ++i)
        if (fresh.videos[i] == 7) sum += std::abs(1.0 - static_cast<double>(fresh.scores[i])), ++count;
    }
    return sum / count;
  };
  const double uniform = error(false), prioritised = error(true);
  if (testing::skips_quality()) return;
  CAPTURE(uniform, prioritised);
  CHECK(uniform > 0.5);
  CHECK(prioritised < 0.75 * uniform);
}

TEST_CASE("Boltzmann exploration and dueling reach the closed form too", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  for (const bool dueling : {false, true}) {
    CAPTURE(dueling);
    DqnConfig config = toy_config();
    config.env_steps = test::shortened(40'000);
    config.discount = 0.5F;
    config.network.dueling = dueling;
    config.exploration = "boltzmann";
    config.temperature_start = 5.0F, config.temperature_end = 0.2F, config.epsilon_share = 0.5;
    DqnLearner learner(simulator, config, 3, 1);
    CHECK(learner.exploration(0).kind == Exploration::Kind::kBoltzmann);
    CHECK(learner.exploration(0).temperature == 5.0F);
    CHECK(learner.exploration(config.env_steps).temperature == Approx(0.2F));
    const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 3, .threads = 1});
    if (testing::skips_quality()) continue;
    const double best = 0.75 * (1 - 0.2373) + 0.5 * (0.2373 - 0.03125) + 0.25 * (0.03125 - 0.00098);
    const FreshScores fresh(simulator, config, *trained.policy);
    double absolute = 0.0;
    for (std::size_t i = 0; i < fresh.scores.size(); ++i)
      absolute += std::abs(static_cast<double>(fresh.scores[i]) - fresh.videos[i] % 4 / 4.0 - 0.75 * best);
    CHECK(absolute / static_cast<double>(fresh.scores.size()) < 0.08);
  }
}

TEST_CASE("a prioritised, dueling run that is stopped and resumed gives the numbers of an unbroken one", "[agents]") {
  const auto checkpoint = std::filesystem::temp_directory_path() / "swipegym_test_dqn_options.h5";
  std::filesystem::remove(checkpoint);
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  DqnConfig config = toy_config();
  config.env_steps = 8'000, config.round_steps = 2'000, config.learning_starts = 500;
  config.discount = 0.7F;
  config.prioritised.enabled = true;
  config.network.dueling = true;
  const OnlineResult whole = test::train_dqn(simulator, config, {.seed = 9, .threads = 1});
  OnlineRun training{.seed = 9, .threads = 2, .checkpoint = checkpoint};
  training.progress = [](std::string_view, std::uint64_t done, std::uint64_t) {
    if (done > 5'000) throw Interrupted();  // in the third round; the checkpoint holds two
  };
  CHECK_THROWS_AS(test::train_dqn(simulator, config, training), Interrupted);
  training.progress = {};
  training.resume = true;
  const OnlineResult resumed = test::train_dqn(simulator, config, training);
  const FreshScores a(simulator, config, *whole.policy), b(simulator, config, *resumed.policy);
  CHECK(a.scores == b.scores);
  CHECK(whole.rounds.back().learner.loss == resumed.rounds.back().learner.loss);

  // Written and read as a policy file, centred values are the same.
  whole.policy->save(checkpoint);
  CHECK(FreshScores(simulator, config, *load_policy(checkpoint, *simulator)).scores == a.scores);
  std::filesystem::remove(checkpoint);
}

TEST_CASE("options that make no sense are named", "[agents]") {
  const auto refused = [](auto change, const char* name) {
    DqnConfig config;
    change(config);
    CHECK_THROWS_WITH(check(config), Catch::Contains(name));
  };
  refused([](DqnConfig& c) { c.exploration = "curious"; }, "exploration");
  refused([](DqnConfig& c) { c.temperature_end = 0.0F; }, "temperature_end");
  refused([](DqnConfig& c) { c.prioritised.beta = 1.5F; }, "prioritised.beta");
  refused([](DqnConfig& c) { c.prioritised.alpha = -0.1F; }, "prioritised.alpha");
  refused([](DqnConfig& c) { c.prioritised.error_floor = 0.0F; }, "prioritised.error_floor");
}

}  // namespace
}  // namespace swipegym
