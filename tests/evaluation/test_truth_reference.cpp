#include <catch2/catch.hpp>

#include "core/error.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/replay_log.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/fidelity/fidelity.h"
#include "evaluation/fidelity/truth_reference.h"
#include "evaluation/generate/generate.h"
#include "evaluation/generate/synthesise.h"
#include "sim_data/calendar.h"
#include "tests/sanitized.h"

using namespace swipegym;

namespace {

const Dataset& tiny_world() {
  static const Dataset data = synthesise_dataset({.truth = {.preset = TruthPreset::kTiny, .seed = 5}, .threads = 1});
  return data;
}

FidelityReport judge_truth(const JudgedWindow& window) {
  const Dataset& data = tiny_world();
  FidelityScorer scorer(data, window);
  predict_with_truth(data.truth, data, window, 1, [&](const TruthPrediction& row) {
    scorer.add({.log_row = row.log_row,
                .quantile = row.quantile,
                .probability = row.probability,
                .draw = {.play_ms = data.log.play_ms[row.log_row], .signals = data.log.signals[row.log_row]}});
    scorer.add_truth(row.log_row, row.quantile, row.probability);
  });
  return scorer.finish();
}

// A fitted simulator on the log's own clock, as a file of it loaded with `--clock log`.
Simulator on_log_clock(Simulator simulator) {
  simulator.model =
      std::make_shared<FittedUserModel>(dynamic_cast<const FittedUserModel&>(*simulator.model).parts(), Clock::kLog);
  return simulator;
}

}  // namespace

TEST_CASE("the truth predicts its own log, under both kinds of exposure", "[evaluation]") {
  for (const bool random : {false, true}) {
    CAPTURE(random);
    const FidelityReport report = judge_truth({.from = 20220501, .random = random});
    REQUIRE(report.truth.has_value());
    REQUIRE(report.rows > 1500);
    // Coverage of n rows deviates by about .5 / sqrt(n) at the median; 3 such, for the largest of 99 levels.
    CHECK(report.truth->pit < 1.5 / std::sqrt(static_cast<double>(report.rows)));
    CHECK(report.truth->crps < report.references[1].crps);
    const BinaryScore& click = report.truth->signal[static_cast<std::size_t>(Signal::kClick)];
    CHECK(click.expected_rate == Approx(click.rate).margin(3.0 * std::sqrt(0.25 / static_cast<double>(report.rows))));
    // Scored as if it were the simulator, it lies nothing above itself.
    CHECK(report.crps_above_truth() == Approx(0.0).margin(1e-12));
    CHECK(to_json(report)["references"]["truth"]["crps"].get<double>() == report.truth->crps);
  }
}

TEST_CASE("without add_truth a report claims no truth", "[evaluation]") {
  const Dataset& data = tiny_world();
  const JudgedWindow window{.from = 20220507};
  FidelityScorer scorer(data, window);
  predict_with_truth(data.truth, data, window, 1, [&](const TruthPrediction& row) {
    scorer.add({.log_row = row.log_row, .quantile = row.quantile, .probability = row.probability, .draw = {}});
  });
  const Json json = to_json(scorer.finish());
  CHECK_FALSE(json.contains("crps_above_truth"));
  CHECK_FALSE(json["references"].contains("truth"));
}

TEST_CASE("uniform pairs tell an interventional answer from a logged one", "[evaluation]") {
  const Dataset& data = tiny_world();
  const Simulator truth = make_truth_simulator(data.truth, data, kNoDateLimit, 1);
  const UniformPairsReport report = ask_uniform_pairs(truth, truth, truth, 1, 2000);
  CHECK(report.truth.watch_ratio == report.simulator.watch_ratio);
  // What the platform's hidden knowledge adds, more than half of it on top.
  CHECK(report.naive.watch_ratio > 1.5F * report.truth.watch_ratio);
  const Json json = to_json(report);
  CHECK(json["error"].get<double>() == 0.0);
  CHECK(json["naive_error"].get<double>() > 0.5);
  // 2,000 pairs: the mean of random exposures is the log's own random rows, 17 thousand of them.
  double ratio = 0.0, rows = 0.0;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (data.log.is_random[row] && data.log.duration_ms[row] > 0)
      ratio += static_cast<double>(data.log.play_ms[row]) / data.log.duration_ms[row], ++rows;
  CHECK(report.truth.watch_ratio == Approx(ratio / rows).epsilon(0.1));
}

TEST_CASE("a simulator fitted to the log of a fitted simulator answers as that log does", "[evaluation]") {
  if (testing::skips_quality()) return;
  FitConfig config;
  config.training.epochs = 2;
  config.training.batch = 512;
  config.training.threads = 1;
  config.training.shape = {.watch_hidden = 32, .watch_top = 32, .feedback_hidden = 32, .feedback_top = 16};
  config.folds = 3;  // a third of the users will do
  const Simulator first = on_log_clock(fit_simulator(tiny_world(), kNoDateLimit, config).simulator);
  config.folds = 1;

  Dataset again;  // what it generates, as a release of its own
  again.users = tiny_world().users;
  again.videos = tiny_world().videos;
  std::vector<std::vector<LogRow>> of_user(again.users.size());
  GenerateConfig generate{.sessions = 2500};
  generate.engine.threads = 1;
  generate_platform_log(first, LoggedFeed(tiny_world(), FeedRows{}), generate, [&](std::span<const LogRow> rows) {
    of_user[rows.front().user].insert(of_user[rows.front().user].end(), rows.begin(), rows.end());
  });
  again.user_offset.push_back(0);
  std::int32_t last_date = 0;
  for (const std::vector<LogRow>& rows : of_user) {
    const std::size_t at = again.log.size();
    again.log.resize(at + rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      store_row(rows[i], again.log, at + i);
      last_date = std::max(last_date, rows[i].date);
    }
    again.user_offset.push_back(again.log.size());
  }

  const std::int32_t until = date_of_days(days_of_date(last_date) - 8);
  const Simulator second = on_log_clock(fit_simulator(again, until, config).simulator);
  const JudgedWindow window{.from = date_of_days(days_of_date(until) + 1)};
  FidelityScorer scorer(again, window);
  replay_log(dynamic_cast<const FittedUserModel&>(*second.model), again, {.from = window.from}, 1, 1,
             [&](const RowPrediction& row) { scorer.add(row); });
  const CellAgreement cells = scorer.finish().cells;
  CAPTURE(cells.cells, cells.ratio, cells.click);
  REQUIRE(cells.cells >= 8);
  CHECK(static_cast<double>(cells.both) >= 0.9 * static_cast<double>(cells.cells));
}

TEST_CASE("a truth that belongs to other data is refused", "[evaluation]") {
  const Dataset& data = tiny_world();
  CHECK_THROWS_AS(predict_with_truth("{}x", data, {.from = 20220501}, 1, [](const TruthPrediction&) {}), InputError);
}
