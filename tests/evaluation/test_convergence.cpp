#include <catch2/catch.hpp>
#include <filesystem>

#include "core/error.h"
#include "core/output_file.h"
#include "env/candidate_sources.h"
#include "evaluation/compare/play_sessions.h"
#include "evaluation/studies/convergence_figures.h"
#include "evaluation/studies/greedy_sessions.h"
#include "policy/one_step_oracle.h"
#include "tests/agents/toy_models.h"
#include "tests/policy/two_tower_toy.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::LadderModel;
using test::make_toy_simulator;

TEST_CASE("greedy sessions are those that policies play", "[evaluation]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(7));
  const OneStepOracle oracle;
  for (const char* source : {"random", "full"}) {
    CAPTURE(source);
    const auto candidates = make_candidate_source(source, simulator->catalogue, 5);
    GreedySessionsConfig config{.sessions = 300, .seed = 6, .discount = 0.5F, .env = {}};
    config.env.history_length = 4;
    config.env.exclude_history = 2;
    config.env.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
    const GreedySessions greedy = greedy_sessions(simulator, candidates, oracle, config);
    PlayConfig plain{.sessions = 300, .seeds = 1, .seed = 6, .engine = config.env};
    plain.world.history_length = 4, plain.world.reward = config.env.reward;
    const PlayedSessions expected = play_sessions(simulator, candidates, oracle, plain);
    std::size_t videos = 0;
    for (std::size_t i = 0; i < 300; ++i) {
      CHECK(greedy.reward[i] == expected.session[i].reward);
      CHECK(greedy.discounted[i] < greedy.reward[i]);
      videos += expected.session[i].videos;
    }
    CHECK(greedy.videos == videos);
  }
}

TEST_CASE("a policy without a search of its own scores all videos of a small catalogue", "[evaluation]") {
  // OneStepOracle without its best_videos().
  struct Unsearched final : Policy {
    std::string_view name() const noexcept override { return "unsearched"; }
    void score(const DecisionBatch& batch, std::span<float> scores) const override { oracle.score(batch, scores); }
    OneStepOracle oracle;
  };
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(7));
  const auto candidates = make_candidate_source("full", simulator->catalogue, 5);
  GreedySessionsConfig config{.sessions = 20, .seed = 6, .discount = 0.5F, .env = {}};
  config.env.history_length = 4;
  CHECK(greedy_sessions(simulator, candidates, Unsearched{}, config).reward ==
        greedy_sessions(simulator, candidates, OneStepOracle(), config).reward);
}

TEST_CASE("steps to 80 % are read between the points of a curve", "[evaluation]") {
  // The plateau is 1: .8 is reached half way between 100 and 200 steps.
  CHECK(steps_to_80({{100, 0.7}, {200, 0.9}, {300, 1.0}, {400, 1.0}}) == Approx(150));
  CHECK(steps_to_80({{100, 1.0}, {200, 1.0}}) == Approx(80));
  CHECK(steps_to_80({{100, -0.3}, {200, -0.1}}) == 0.0);
}

TEST_CASE("the study's tables keep their headings apart and give no slope over one size", "[evaluation]") {
  ConvergenceReport report;
  ConvergenceRow row;
  row.size = 1000, row.agent = "dqn", row.reward = {1.5, 1.2, 1.8}, row.realised = 2.0;
  report.rows = {row};
  BaselineRow oracle;
  oracle.size = 1000, oracle.policy = "oracle", oracle.recall = 0.5;
  report.baselines = {oracle};
  ConvergenceSlope slope;
  slope.agent = "dqn", slope.figure = "normalised return", slope.sizes = 1;
  report.slopes = {slope};
  const std::string text = to_text(report);
  CHECK_THAT(text, Catch::Contains("0 random, 1 oracle  steps to 80%"));
  CHECK_THAT(text, Catch::Contains("oracle of 1,000: on a shortlist that held the best video in 50 % of states"));
  CHECK_THAT(text, Catch::Contains("-      1\n") && !Catch::Contains("0.000 [0.000"));
  report.slopes[0].sizes = 2;
  CHECK_THAT(to_text(report), Catch::Contains("0.000 [0.000, 0.000]      2\n"));
}

ConvergenceStudy toy_study(const std::filesystem::path& folder) {
  ConvergenceStudy study;
  study.sizes = {3, 200};
  study.agents = {"dqn", "bandit", "full-output"};
  study.seeds = 2;
  study.folder = folder;
  study.threads = 1;
  study.config.evaluations = 4;
  study.config.sessions = 60;
  study.config.oracle_sessions = 60;
  DqnConfig& dqn = study.config.dqn;
  dqn.num_envs = 32;
  dqn.world.history_length = 4;
  dqn.world.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
  dqn.env_steps = testing::kSanitized ? 2'000 : 20'000;
  dqn.learning_starts = 500;
  dqn.replay_capacity = 10'000;
  dqn.batch = 64;
  dqn.reward_scale = 1.0F;
  dqn.learning_rate = 3e-3;
  dqn.weight_decay = 0.0;
  dqn.target_every = 20;
  dqn.huber_delta = 5.0F;
  dqn.n_step = 1;
  return study;
}

TEST_CASE("a convergence study finds the best of few and of all, and goes on where it stopped", "[evaluation]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(4));
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "swipegym_test_convergence";
  std::filesystem::remove_all(folder);
  const ConvergenceStudy study = toy_study(folder);
  const ConvergenceReport report = run_convergence(simulator, study, {});
  REQUIRE(report.rows.size() == 6);
  REQUIRE(report.baselines.size() == 6);
  if (!testing::skips_quality()) {
    // With all videos to choose from the best ratio is .75 at each of four steps.
    CHECK(report.baselines.back().reward.mean == Approx(3.0));
    for (const ConvergenceRow& row : report.rows) {
      CAPTURE(row.size, row.agent);
      // Who knows videos by their places alone has learned less from as many steps.
      CHECK(row.normalised.mean > (row.agent == "full-output" ? 0.7 : 0.9));
      CHECK(row.diverged == 0);
      CHECK(row.tried > 0.9);
    }
    CHECK(report.rows[3].size == 200);
    CHECK(report.rows[3].reward.mean > report.rows[0].reward.mean);
  }

  // One training is lost and made again; every figure but the times is the same, and the other files are not touched.
  const auto kept = std::filesystem::last_write_time(folder / "cells" / "m3-dqn-s1.json");
  std::filesystem::remove(folder / "cells" / "m3-dqn-s2.json");
  const ConvergenceReport again = run_convergence(simulator, study, {});
  CHECK(std::filesystem::last_write_time(folder / "cells" / "m3-dqn-s1.json") == kept);
  for (std::size_t i = 0; i < report.rows.size(); ++i) {
    CHECK(again.rows[i].reward.mean == report.rows[i].reward.mean);
    CHECK(again.rows[i].normalised.low == report.rows[i].normalised.low);
    CHECK(again.rows[i].over_estimation == report.rows[i].over_estimation);
  }
  CHECK(std::filesystem::exists(folder / "curves.csv"));

  ConvergenceStudy other = study;
  other.config.dqn.batch = 32;
  CHECK_THROWS_WITH(run_convergence(simulator, other, {}), Catch::Matchers::Contains("other settings"));
  write_file(folder / "cells" / "m3-random.json", "{}");
  CHECK_THROWS_WITH(run_convergence(simulator, study, {}), Catch::Matchers::Contains("m3-random.json"));
  std::filesystem::remove_all(folder);
}

TEST_CASE("agents among retrieved videos are held against all videos, over an index as exactly", "[evaluation]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(4));
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "swipegym_test_wolpertinger";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  TwoTowerPolicy(test::small_towers_model(simulator->catalogue, false)).save(folder / "towers.h5");
  ConvergenceStudy study = toy_study(folder / "study");
  study.agents = {"dqn", "retrieved", "wolpertinger"};
  study.seeds = 1;
  CHECK_THROWS_WITH(run_convergence(simulator, study, {}), Catch::Contains("name a policy file that retrieves"));
  study.config.retrieval.file = (folder / "towers.h5").string();
  study.config.retrieval.candidates = 60;
  study.agents = {"wolpertinger"}, study.sizes = {3};
  CHECK_THROWS_WITH(run_convergence(simulator, study, {}), Catch::Contains("--sizes needs 'all'"));

  study.agents = {"dqn", "retrieved", "wolpertinger"}, study.sizes = {3, 200};
  const ConvergenceReport report = run_convergence(simulator, study, {});
  REQUIRE(report.rows.size() == 4);
  CHECK(report.rows[0].agent == "dqn");
  CHECK(report.rows[0].size == 3);
  const ConvergenceRow &exact = report.rows[2], &index = report.rows[3];
  CHECK(exact.agent == "retrieved");
  CHECK(index.agent == "wolpertinger");
  CHECK(index.size == 200);
  // So few are found whole: the lists are the same, and so is all that is learned from them.
  CHECK(index.reward.mean == exact.reward.mean);
  CHECK(index.tried == exact.tried);
  CHECK(index.tried > 0.9);  // the random ones among them reach every video
  if (!testing::skips_quality()) CHECK(index.normalised.mean > 0.5);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace swipegym
