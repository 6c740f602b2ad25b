#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "evaluation/fidelity/fidelity.h"
#include "evaluation/fidelity/respond_csv.h"
#include "tests/evaluation/toy_data.h"

using namespace swipegym;

namespace {

double fraction(double x) {
  return x - std::floor(x);
}

// The toy log's own law: what the best possible simulator would say of a row.
struct TrueLaw {
  std::array<float, kQuantiles> quantile{};
  std::array<float, kNumSignals> probability{};
  explicit TrueLaw(std::uint32_t video) {
    const double mean = 0.2 + 0.01 * (video % 60);
    for (std::size_t i = 0; i < kQuantiles; ++i) {
      const double level = quantile_level(i);
      quantile[i] = level <= 0.1 ? 0.0F : static_cast<float>(-mean * std::log(1.0 - (level - 0.1) / 0.9));
    }
    probability[0] = static_cast<float>(0.9 * std::exp(-0.3 / mean));
  }
};

FidelityReport judge_true_law(const Dataset& data, const JudgedWindow& window) {
  FidelityScorer scorer(data, window);
  for (const std::uint32_t row : judged_rows(data, window)) {
    const TrueLaw law(index_of(data.log.video[row]));
    const Response draw{.watch_ratio = 0.0F, .play_ms = data.log.play_ms[row], .signals = data.log.signals[row]};
    scorer.add({.log_row = row, .quantile = law.quantile, .probability = law.probability, .draw = draw});
  }
  return scorer.finish();
}

}  // namespace

TEST_CASE("scores agree with numpy and scikit-learn on recorded rows", "[evaluation]") {
  // 500 rows made by formula; the expected figures were computed from the same formulas by an independent script
  // (roc_auc_score, pinball loss over 99 levels, np.array_split bins).
  QuantileScore score;
  std::vector<float> probability;
  std::vector<std::uint8_t> label;
  std::vector<std::uint32_t> user;
  for (int i = 0; i < 500; ++i) {
    const double u = fraction(i * 0.61803398875), y = u > 0.1 ? -std::log(1 - u) * 0.4 : 0.0;
    const double scale = 0.3 + 0.2 * fraction(i * 0.7548776662);
    std::array<float, kQuantiles> q{};
    for (std::size_t j = 0; j < kQuantiles; ++j) {
      const double level = quantile_level(j);
      q[j] = level < 0.08 ? 0.0F : static_cast<float>(-std::log(1 - level) * scale);
    }
    score.add(q, y);
    const auto p = static_cast<float>(std::floor((0.05 + 0.6 * fraction(i * 0.5698402910)) * 100) / 100);
    probability.push_back(p);
    label.push_back(fraction(i * 0.32471795724) < p);
    user.push_back(static_cast<std::uint32_t>(i * 7 % 37));
  }
  CHECK(score.crps() == Approx(0.204739904193).margin(1e-7));
  CHECK(score.pit_deviation() == Approx(0.02).margin(1e-9));
  const BinaryScore binary = score_binary(user, probability, label);
  CHECK(binary.auc == Approx(0.729711336197).margin(1e-9));
  CHECK(binary.gauc == Approx(0.870992880271).margin(1e-9));
  CHECK(binary.logloss == Approx(0.568092656710).margin(1e-7));
  CHECK(binary.ece == Approx(0.036300001189).margin(1e-7));
  CHECK(binary.expected_rate / binary.rate == Approx(0.998901732008).margin(1e-7));
}

TEST_CASE("the true law beats both reference models and is calibrated", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 300, .days = 4, .rows_per_day = 8});
  const FidelityReport report = judge_true_law(data, {.from = 20220503, .until = 20220504});
  CHECK(report.rows == 300 * 2 * 8);
  CHECK(report.users == 300);
  const PredictorScore& marginal = report.references[0];
  const PredictorScore& cells = report.references[1];
  // 4,800 rows: coverage has a standard error of .007 at most; videos explain part of the spread, cells part of that.
  CHECK(report.simulator.pit < 0.025);
  CHECK(report.simulator.crps < 0.985 * marginal.crps);
  CHECK(report.simulator.crps < cells.crps);
  CHECK(report.simulator.log_score > cells.log_score);
  CHECK(report.simulator.signal[0].auc > cells.signal[0].auc);
  CHECK(marginal.signal[0].auc == 0.5);
  CHECK(report.simulator.signal[0].ece < 0.04);
  CHECK(report.gap_tab == Approx(0.0).margin(1e-6));  // the draws are the answers themselves
  CHECK(std::isnan(report.simulator.signal[5].auc));  // nobody hated anything

  // The diagrams say the same: a flat histogram, clicks that come as promised, draws that are life itself.
  REQUIRE(report.pit_histogram.size() == PitHistogram::kBins);
  for (const Interval& share : report.pit_histogram) CHECK(share.mean == Approx(0.05).margin(0.02));
  for (const ReliabilityBin& bin : report.reliability[0]) CHECK(bin.rate.mean == Approx(bin.expected).margin(0.08));
  CHECK(report.reliability[5].front().rate.mean == 0.0);
  REQUIRE(report.ratio_by_duration.size() == 10);
  const Json json = to_json(report);
  CHECK(json["pit_histogram"][3]["from"] == 0.15);
  CHECK(json["reliability"]["is_click"].size() == 10);
  for (const Json& group : json["ratio_by_duration"]) {
    CHECK(group["bins"][2]["from"] == 0.05);
    for (const Json& bin : group["bins"])
      CHECK(bin["real"]["mean"].get<double>() == Approx(bin["drawn"].get<double>()));
  }
}

TEST_CASE("where no group has rows enough there is no gap, and none is printed", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 5, .days = 2, .rows_per_day = 4});
  const JudgedWindow window{.from = 20220502};
  FidelityScorer scorer(data, window);
  for (const std::uint32_t row : judged_rows(data, window)) {
    const TrueLaw law(index_of(data.log.video[row]));
    scorer.add({.log_row = row, .quantile = law.quantile, .probability = law.probability, .draw = {}});
  }
  const FidelityReport report = scorer.finish();
  REQUIRE(report.tabs.empty());
  CHECK(std::isnan(report.gap_tab));
  CHECK(to_json(report)["gap_duration"].is_null());
  CHECK(to_text(report).find("over tabs -, over durations -") != std::string::npos);
}

TEST_CASE("gaps name the group in which draws are wrong", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 1000, .days = 2, .rows_per_day = 10});
  const JudgedWindow window{.from = 20220502};
  FidelityScorer scorer(data, window);
  for (const std::uint32_t row : judged_rows(data, window)) {
    const TrueLaw law(index_of(data.log.video[row]));
    Response draw{.play_ms = data.log.play_ms[row], .signals = data.log.signals[row]};
    if (data.log.tab[row] == 0) draw.play_ms = 0;
    scorer.add({.log_row = row, .quantile = law.quantile, .probability = law.probability, .draw = draw});
  }
  const FidelityReport report = scorer.finish();
  REQUIRE(report.tabs.size() == 2);
  CHECK(report.tabs[0].group == "tab 0");
  CHECK(report.tabs[0].drawn == 0.0);
  CHECK(report.gap_tab == Approx(report.tabs[0].real));
  CHECK(report.tabs[1].real == Approx(report.tabs[1].drawn).epsilon(1e-5));
  CHECK(report.draw_pit > 0.1);
  // Cells of tab 1 agree, for their draws are the answers themselves; those of tab 0 do not, but in clicks they do.
  CHECK(report.cells.click == report.cells.cells);
  CHECK(report.cells.ratio == report.cells.both);
  CHECK(report.cells.ratio > 0);
  CHECK(report.cells.ratio < report.cells.cells);
  const Json json = to_json(report);
  CHECK(json["gap_tab"].get<double>() == report.gap_tab);
  CHECK(json["signals"]["is_hate"]["auc"].is_null());
  CHECK(json["signals"]["is_click"]["sampled_rate"].get<double>() == report.sampled_rate[0]);
}

TEST_CASE("an empty window is an error that says what to do", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 2});
  CHECK_THROWS_AS(judged_rows(data, {.from = 20230101}), InputError);
  CHECK_THROWS_AS(judged_rows(data, {.from = 20220501, .random = true}), InputError);
  CHECK_THROWS_AS(FidelityScorer(data, {.from = 20220501}), InputError);  // nothing before it to compare with
}

TEST_CASE("quantiles invert to the distribution they came from", "[evaluation]") {
  const TrueLaw law(30);
  CHECK(cdf_from_quantiles(law.quantile, 0.0) == Approx(0.1));
  CHECK(cdf_from_quantiles(law.quantile, law.quantile[49]) == Approx(0.5));
  CHECK(cdf_from_quantiles(law.quantile, 0.4) == Approx(0.1 + 0.9 * (1 - std::exp(-0.4 / 0.5))).margin(1e-3));
  CHECK(cdf_from_quantiles(law.quantile, 5.0) == 1.0);
}

TEST_CASE("the responses file has a line a judged row in file order, and floats that read back", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 3, .days = 2, .rows_per_day = 2});
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("swipegym_respond_" + std::to_string(::getpid()) + ".csv");
  const JudgedWindow window{.from = 20220501};
  {
    RespondCsv csv(path, data);
    for (const std::uint32_t row : judged_rows(data, window)) {
      const TrueLaw law(index_of(data.log.video[row]));
      csv.add({.log_row = row,
               .quantile = law.quantile,
               .probability = law.probability,
               .watch_s = 1.25F,
               .draw = {.play_ms = 77, .signals = bit(Signal::kLike)}});
    }
    CHECK_FALSE(std::filesystem::exists(path));  // not before it is whole
    csv.commit();
  }
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  CHECK(line.starts_with("user_id,video_id,time_ms,play_time_ms,is_click,is_like,"));
  CHECK(line.find(",p_is_profile_enter,e_play_s,wr_q01,") != std::string::npos);
  CHECK(line.ends_with(",wr_q98,wr_q99"));
  std::int64_t last_day = 0;
  int lines = 0;
  while (std::getline(file, line)) {
    ++lines;
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    REQUIRE(cells.size() == 4 + 8 + 8 + 1 + 99);
    const std::int64_t day = (std::stoll(cells[2]) - test::kToyNoonMs) / test::kDayMs;
    CHECK(day >= last_day);  // the file goes by day, the data set by user
    last_day = day;
    CHECK(cells[3] == "77");
    CHECK(cells[4] == "0");
    CHECK(cells[5] == "1");
    const TrueLaw law(static_cast<std::uint32_t>(std::stoul(cells[1]) - 50'000));
    CHECK(std::stof(cells[12]) == law.probability[0]);
    CHECK(cells[20] == "1.25");
    CHECK(std::stof(cells[21 + 98]) == law.quantile[98]);
  }
  CHECK(lines == 12);
  std::filesystem::remove(path);
}
