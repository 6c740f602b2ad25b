#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "agents/dqn/dqn_learner.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/candidate_sources.h"
#include "tests/agents/toy_dqn.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::LadderModel;
using test::make_toy_simulator;
using test::PatienceModel;
using test::shortened;

DqnConfig small_config() {
  DqnConfig config = test::quick_dqn_config();
  config.epsilon_share = 0.5;
  return config;
}

// Scores of every candidate of fresh sessions, after `steps` greedy steps.
struct Probe {
  Probe(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, const Policy& policy, int steps)
      : env(make_training_env(std::move(simulator), config, 1)), keys(config.num_envs), streams(config.num_envs) {
    std::vector<std::uint64_t> seeds(config.num_envs);
    std::iota(seeds.begin(), seeds.end(), 1000);
    env.reset(seeds);
    std::vector<std::int32_t> actions(config.num_envs);
    scores.resize(config.num_envs * config.world.candidates);
    for (int step = 0;; ++step) {
      const DecisionBatch batch{env.observation(), &env, keys, streams, 1};
      policy.score(batch, scores);
      if (step == steps) break;
      select_actions(batch, scores, Exploration::greedy(), actions);
      env.step(actions);
    }
  }
  std::uint32_t video(std::size_t pair) const { return static_cast<std::uint32_t>(env.observation().candidate[pair]); }
  VectorEnv env;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
  std::vector<float> scores;
};

// Mean return of greedy sessions.
double greedy_return(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, const Policy& policy) {
  VectorEnv env = make_training_env(std::move(simulator), config, 1);
  std::vector<std::uint64_t> seeds(config.num_envs);
  std::iota(seeds.begin(), seeds.end(), 5000);
  env.reset(seeds);
  const std::vector<RandomKey> keys(config.num_envs);
  const std::vector<std::uint32_t> streams(config.num_envs);
  std::vector<float> scores(config.num_envs * config.world.candidates);
  std::vector<std::int32_t> actions(config.num_envs);
  std::vector<double> returns(config.num_envs, 0.0);
  std::vector<std::uint8_t> ended(config.num_envs, 0);
  for (int step = 0; step < config.world.max_steps; ++step) {
    const DecisionBatch batch{env.observation(), &env, keys, streams, 1};
    policy.score(batch, scores);
    select_actions(batch, scores, Exploration::greedy(), actions);
    const StepView& view = env.step(actions);
    for (std::size_t i = 0; i < config.num_envs; ++i) {
      if (!ended[i]) returns[i] += view.reward[i];
      ended[i] |= view.terminated[i] | view.truncated[i];
    }
  }
  return std::accumulate(returns.begin(), returns.end(), 0.0) / static_cast<double>(config.num_envs);
}

TEST_CASE("Q reaches its closed form in a world where it has one", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  DqnConfig config = small_config();
  config.env_steps = test::shortened(50'000);
  config.discount = 0.5F;
  for (const bool double_q : {true, false}) {
    CAPTURE(double_q);
    config.double_q = double_q;
    const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 3, .threads = 1});
    if (testing::skips_quality()) continue;
    // The best of 5 random candidates is worth E[max] = 3/4 (1 - .75^5) + 2/4 (.75^5 - .5^5) + 1/4 (.5^5 - .25^5).
    const double best = 0.75 * (1 - 0.2373) + 0.5 * (0.2373 - 0.03125) + 0.25 * (0.03125 - 0.00098);
    for (int shown = 0; shown < 3; ++shown) {
      const Probe probe(simulator, config, *trained.policy, shown);
      double absolute = 0.0, sum = 0.0;
      for (std::size_t pair = 0; pair < probe.scores.size(); ++pair) {
        double expected = static_cast<double>(probe.video(pair) % 4) / 4.0;
        for (int left = 1; left < 3 - shown; ++left) expected += std::pow(0.5, left) * best;
        absolute += std::abs(static_cast<double>(probe.scores[pair]) - expected);
        sum += static_cast<double>(probe.scores[pair]) - expected;
      }
      CAPTURE(shown);
      CHECK(sum / static_cast<double>(probe.scores.size()) == Approx(0.0).margin(0.04));
      CHECK(absolute / static_cast<double>(probe.scores.size()) < 0.08);
    }
  }
}

TEST_CASE("a discount above 0 finds the reward that comes a step later, a discount of 0 does not", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<PatienceModel>());
  DqnConfig config = small_config();
  config.world.max_steps = 5;
  for (const int n_step : {1, 2}) {
    CAPTURE(n_step);
    config.n_step = n_step;
    config.discount = 0.9F;
    const double patient =
        greedy_return(simulator, config, *test::train_dqn(simulator, config, {.seed = 4, .threads = 1}).policy);
    if (testing::skips_quality()) continue;
    CHECK(patient > 1.0);  // 1.1 whenever an odd video is among the 5
    if (n_step > 1) continue;
    config.discount = 0.0F;
    const double greedy =
        greedy_return(simulator, config, *test::train_dqn(simulator, config, {.seed = 4, .threads = 1}).policy);
    CHECK(greedy < 0.5);  // .4 whenever an even video is among the 5
  }
}

TEST_CASE("truncation bootstraps: a cut session is valued as if it went on", "[agents]") {
  // Users never leave and every session is cut after 4 videos. With the step count hidden from the network, states
  // repeat for ever: Q = r + d / (1 - d) * best. Were the cut taken for an end, Q would stay below r + 3 steps' worth.
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(1'000'000));
  DqnConfig config = small_config();
  config.world.max_steps = 4;
  config.discount = 0.8F;
  config.env_steps = shortened(80'000);
  config.encoder.session_clock = false;
  const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 5, .threads = 1});
  if (testing::skips_quality()) return;
  const Probe probe(simulator, config, *trained.policy, 2);
  const double mean =
      std::accumulate(probe.scores.begin(), probe.scores.end(), 0.0) / static_cast<double>(probe.scores.size());
  const double best = 0.68, endless = 0.375 + 0.8 / 0.2 * best, cut = 0.375 + (0.8 + 0.64 + 0.512) * best;
  CHECK(mean > 0.85 * endless);
  CHECK(mean < 1.1 * endless);
  CHECK(mean > 1.2 * cut);
}

// A source whose first slots are masked though they hold the best videos.
class MaskedSource final : public CandidateSource {
 public:
  std::string_view name() const noexcept override { return "masked"; }
  std::size_t slots() const noexcept override { return 5; }
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override {
    RandomStream random(request.key, request.stream);
    const std::int32_t base = 4 * static_cast<std::int32_t>(random.below(40));
    for (std::int32_t slot = 0; slot < 5; ++slot) {
      videos[static_cast<std::size_t>(slot)] = base + (slot < 2 ? 3 + 4 * slot : (slot - 2) % 3 + 4 * (slot - 2));
      mask[static_cast<std::size_t>(slot)] = slot >= 2;
    }
  }
};

TEST_CASE("masked candidates are neither chosen nor used in a target", "[agents]") {
  // The masked slots hold videos worth 3/4, the best allowed one is worth 1/2; a target that looked at the masked ones
  // would have 0.5 * .75 more in it where it must have 0.5 * .5. Their vectors are learned from an unmasked source
  // first.
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(2));
  DqnConfig config = small_config();
  config.discount = 0.5F;
  for (const bool double_q : {true, false}) {
    config.double_q = double_q;
    DqnLearner learner(simulator, config, 6, 1);
    VectorEnv open_env = make_training_env(simulator, config, 1);
    train_online(learner, open_env, {.seed = 6, .env_steps = shortened(20'000), .round_steps = shortened(10'000)});
    VectorEnv masked_env(simulator, std::make_shared<MaskedSource>(),
                         {.num_envs = config.num_envs,
                          .threads = 1,
                          .history_length = config.world.history_length,
                          .max_steps = config.world.max_steps,
                          .reward = config.world.reward});
    // InvalidAction::kRaise: a masked choice would throw.
    std::vector<RoundReport> before(1);
    before[0].env_steps = shortened(20'000);
    train_online(learner, masked_env, {.seed = 6, .env_steps = shortened(80'000), .round_steps = shortened(20'000)},
                 before);
    std::vector<std::uint64_t> seeds(config.num_envs);
    std::iota(seeds.begin(), seeds.end(), 1);
    const std::vector<RandomKey> keys(config.num_envs);
    const std::vector<std::uint32_t> streams(config.num_envs);
    const ObservationView first = masked_env.reset(seeds);
    std::vector<float> scores(config.num_envs * config.world.candidates);
    learner.policy().score({first, &masked_env, keys, streams, 1}, scores);
    if (testing::skips_quality()) continue;
    double error = 0.0, masked_value = 0.0;
    for (std::size_t pair = 0; pair < scores.size(); ++pair) {
      const double own = static_cast<double>(first.candidate[pair] % 4) / 4.0;
      if (first.mask[pair])
        error += static_cast<double>(scores[pair]) - (own + 0.5 * 0.5);
      else
        masked_value += static_cast<double>(scores[pair]);
    }
    CAPTURE(double_q);
    CHECK(masked_value / (2.0 * 64.0) > 0.8);  // it does know that the masked ones are better
    CHECK(error / (3.0 * 64.0) == Approx(0.0).margin(0.05));
  }
}

bool same_weights(const ValueModel& a, const ValueModel& b) {
  ValueNetwork x = a.network, y = b.network;
  const auto p = x.parameters(), q = y.parameters();
  bool same = p.size() == q.size();
  for (std::size_t i = 0; same && i < p.size(); ++i) same = p[i]->value == q[i]->value;
  const auto e = x.embeddings(), f = y.embeddings();
  for (std::size_t i = 0; same && i < e.size(); ++i) same = e[i]->table.value == f[i]->table.value;
  return same;
}

TEST_CASE("the number of threads changes no bit of what is learned", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  DqnConfig config = small_config();
  config.env_steps = shortened(8'000);
  config.batch = 300;  // shards of 128, 128 and 44 rows
  config.num_envs = 150;
  const OnlineResult one = test::train_dqn(simulator, config, {.seed = 7, .threads = 1});
  for (const int threads : {2, 3}) {
    CAPTURE(threads);
    CHECK(same_weights(test::value_model(one),
                       test::value_model(test::train_dqn(simulator, config, {.seed = 7, .threads = threads}))));
  }
  CHECK_FALSE(same_weights(test::value_model(one),
                           test::value_model(test::train_dqn(simulator, config, {.seed = 8, .threads = 1}))));
}

TEST_CASE("stopped and resumed training gives the numbers of an unbroken run", "[agents]") {
  const auto checkpoint = std::filesystem::temp_directory_path() / "swipegym_test_dqn_checkpoint.h5";
  std::filesystem::remove(checkpoint);
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  DqnConfig config = small_config();
  config.env_steps = shortened(16'000);
  config.round_steps = shortened(4'000);
  config.discount = 0.7F;
  const OnlineResult whole = test::train_dqn(simulator, config, {.seed = 9, .threads = 1});

  OnlineRun training{.seed = 9, .threads = 1, .checkpoint = checkpoint};
  training.progress = [](std::string_view, std::uint64_t done, std::uint64_t) {
    if (done > static_cast<std::uint64_t>(shortened(11'000)))
      throw Interrupted();  // in the third round; the checkpoint holds two
  };
  CHECK_THROWS_AS(test::train_dqn(simulator, config, training), Interrupted);
  training.progress = {};
  training.resume = true;
  std::vector<std::int64_t> seen;
  training.curve.add = [&](const Json& line) { seen.push_back(line["env_steps"].get<std::int64_t>()); };
  const OnlineResult resumed = test::train_dqn(simulator, config, training);
  CHECK(seen.size() == 2);  // only the last two rounds were run again
  CHECK(same_weights(test::value_model(whole), test::value_model(resumed)));
  REQUIRE(resumed.rounds.size() == whole.rounds.size());
  for (std::size_t i = 0; i < whole.rounds.size(); ++i) {
    CHECK(resumed.rounds[i].mean_return == whole.rounds[i].mean_return);
    CHECK(resumed.rounds[i].learner.loss == whole.rounds[i].learner.loss);
  }

  config.discount = 0.6F;
  CHECK_THROWS_WITH(test::train_dqn(simulator, config, training), Catch::Contains("another config"));
  config.discount = 0.7F;
  training.seed = 10;
  CHECK_THROWS_WITH(test::train_dqn(simulator, config, training), Catch::Contains("another seed"));
  std::filesystem::remove(checkpoint);
}

TEST_CASE("settings that make no sense are named", "[agents]") {
  DqnConfig config;
  CHECK_NOTHROW(check(config));
  config.discount = 1.5F;
  CHECK_THROWS_WITH(check(config), Catch::Contains("discount") && Catch::Contains("1.5"));
  config.discount = 0.9F;
  config.world.candidates = 0;
  CHECK_THROWS_WITH(check(config), Catch::Contains("world.candidates"));
  const auto parsed = config_from_json<DqnConfig>(Json::parse(R"({"slots": 7, "network": {"width": 16}})"), "a.json");
  CHECK(parsed.world.candidates == 7);
  CHECK(parsed.network.width == 16);
  CHECK_THROWS_WITH(config_from_json<DqnConfig>(Json::parse(R"({"network": {"widht": 16}})"), "a.json"),
                    Catch::Contains("network.widht") && Catch::Contains("interaction_hidden"));
}

}  // namespace
}  // namespace swipegym
