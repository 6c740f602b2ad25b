#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/studies/random_search.h"
#include "evaluation/supervised/scored_rows.h"
#include "evaluation/supervised/supervised_tables.h"
#include "evaluation/supervised/table_figures.h"
#include "policy/make_policy.h"
#include "tests/env/toy_log.h"

namespace swipegym {
namespace {

using Kind = TableFigure::Kind;

TEST_CASE("an area under the curve counts users with their weights, ties half", "[evaluation]") {
  const std::vector<std::uint32_t> user = {0, 0, 1, 1};
  const std::vector<float> score = {1, 2, 2, 0};
  const std::vector<std::uint8_t> positive = {0, 1, 0, 1};
  const TableFigure figure = make_auc_figure(user, score, positive);
  // Pairs (positive, negative): 2 > 1, 2 = 2, 0 < 1, 0 < 2.
  CHECK(figure.value(std::vector<float>{1, 1}) == Approx(1.5 / 4));
  // Twice user 0: weights 2 for its rows. Pairs 2*2*1 + 2*1*.5 + 0 + 0 of 3 * 3.
  CHECK(figure.value(std::vector<float>{2, 1}) == Approx(5.0 / 9));
  CHECK(figure.value(std::vector<float>{1, 0}) == 1.0);
  CHECK(std::isnan(figure.value(std::vector<float>{0, 0})));
  CHECK(figure.users(3) == 2);
}

TEST_CASE("ratios, roots, gaps and trends of weighted sums", "[evaluation]") {
  TableFigure figure;
  figure.kind = Kind::kRatio;
  figure.top = {1, 8}, figure.bottom = {2, 2};
  CHECK(figure.value(std::vector<float>{1, 1}) == Approx(9.0 / 4));
  figure.kind = Kind::kRoot;
  CHECK(figure.value(std::vector<float>{0, 2}) == Approx(2.0));
  figure.kind = Kind::kGap;  // three groups of two users: 1/2, 4, none
  figure.top = {1, 0, 0, 8, 0, 0}, figure.bottom = {2, 0, 0, 2, 0, 0};
  CHECK(figure.value(std::vector<float>{1, 1}) == Approx(3.5));
  figure.kind = Kind::kTrend;
  CHECK(figure.value(std::vector<float>{1, 1}) == Approx(1.0));
  CHECK(std::isnan(figure.value(std::vector<float>{1, 0})));  // one group left
}

TEST_CASE("the best cut, the fitted line and Holm's correction by hand", "[evaluation]") {
  const std::vector<float> score = {.9F, .8F, .7F, .1F};
  const std::vector<std::uint8_t> positive = {1, 0, 1, 0};
  CHECK(best_f1_cut(score, positive) == .7F);  // 2 of 3 right and both found: F1 .8
  const FittedLine line = fit_line(std::vector<float>{0, 1, 2}, std::vector<float>{1, 3, 5});
  CHECK(line.a == Approx(1.0));
  CHECK(line.b == Approx(2.0));
  CHECK(fit_line(std::vector<float>{1, 1}, std::vector<float>{2, 4}).a == Approx(3.0));
  const std::vector<double> corrected = holm(std::vector<double>{.01, .04, std::nan(""), .03});
  CHECK(corrected[0] == Approx(.03));
  CHECK(corrected[3] == Approx(.06));
  CHECK(corrected[1] == Approx(.06));  // never below a smaller one
  CHECK(std::isnan(corrected[2]));
}

// Knows what a row's user and video are worth in toy_log: patient users, good videos.
class KnowsTaste final : public Policy {
 public:
  std::string_view name() const noexcept override { return "knows"; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override {
    for (std::size_t i = 0; i < batch.observation.rows; ++i)
      scores[i] = (batch.observation.user[i] % 2 == 0 ? 0.9F : -0.9F) +
                  (batch.observation.candidate[i] % 3 == 0 ? 0.7F : -0.35F);
  }
};

const SupervisedTable& table_of(const SupervisedTables& tables, std::string_view key) {
  for (const SupervisedTable& table : tables.tables)
    if (table.key == key) return table;
  throw std::out_of_range(std::string(key));
}

TEST_CASE("the tables tell who knows from who does not, beside what needs no model", "[evaluation]") {
  const Dataset data = testing::toy_log(60, 40, 60, 3);
  const auto catalogue = std::make_shared<const Catalogue>(build_catalogue(data, 20220426));
  SupervisedTableConfig config;
  config.train = {20220425, 20220426}, config.validate = {20220427, 20220427}, config.test = {20220428, 20220428};
  config.resamples = 100, config.threads = 1, config.reference = "knows";
  const std::vector<TabledPolicy> policies = {
      {.name = "knows", .seeds = {std::make_shared<KnowsTaste>()}, .catalogue = catalogue},
      {.name = "popularity", .seeds = {make_popularity_policy(*catalogue)}, .catalogue = catalogue}};
  const SupervisedTables tables = make_supervised_tables(policies, data, config);
  CHECK(tables.users == 60);
  const SupervisedTable& binary = table_of(tables, "binary");
  REQUIRE(binary.lines.size() == 4);
  CHECK(binary.lines[0].figure[0].mean == Approx(0.5));  // the training mean orders nothing
  const TableLine &knows = binary.lines[2], &popular = binary.lines[3];
  CHECK(knows.policy == "knows");
  CHECK(knows.figure[0].mean > 0.7);
  CHECK(knows.figure[0].low < knows.figure[0].mean);
  CHECK(popular.figure[0].mean == Approx(0.5).margin(0.1));
  CHECK(popular.difference[0].high < 0.0);
  CHECK(popular.p_value[0] < 0.1);
  CHECK(std::isnan(knows.p_value[0]));
  const SupervisedTable& ratio = table_of(tables, "ratio");
  CHECK(ratio.lines[2].figure[0].mean < ratio.lines[0].figure[0].mean);
  CHECK(table_of(tables, "ranking").lines[2].figure[0].mean > table_of(tables, "ranking").lines[3].figure[0].mean);
  CHECK(to_json(tables)["tables"]["binary"]["lines"][2]["figures"]["auc"]["mean"] == knows.figure[0].mean);

  config.threads = 3;
  CHECK(to_json(make_supervised_tables(policies, data, config)) == to_json(tables));
  config.reference = "nobody";
  CHECK_THROWS_WITH(make_supervised_tables(policies, data, config), Catch::Contains("nobody"));
  config.reference.clear(), config.test = {20230101, 20230102};
  CHECK_THROWS_WITH(make_supervised_tables(policies, data, config), Catch::Contains("20230101"));
}

// The lower its number, the better a video.
class FirstVideosFirst final : public Policy {
 public:
  std::string_view name() const noexcept override { return "first"; }
  bool ranks_catalogue() const noexcept override { return true; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override {
    const std::size_t slots = scores.size() / batch.observation.rows;
    for (std::size_t i = 0; i < scores.size(); ++i)
      scores[i] = -static_cast<float>(video_in_slot(batch.observation, i / slots, i % slots));
  }
};

TEST_CASE("hits and NDCG of reactions are those of a ranking known by heart", "[evaluation]") {
  const Dataset data = testing::toy_log(60, 40, 60, 3);
  const auto catalogue = std::make_shared<const Catalogue>(build_catalogue(data, 20220426));
  SupervisedTableConfig config;
  config.train = {20220425, 20220426}, config.test = {20220428, 20220428}, config.resamples = 10, config.threads = 1;
  const std::vector<TabledPolicy> policies = {
      {.name = "first", .seeds = {std::make_shared<FirstVideosFirst>()}, .catalogue = catalogue}};
  const SupervisedTables tables = make_supervised_tables(policies, data, config);
  const SupervisedTable& reactions = table_of(tables, "reactions");
  REQUIRE(reactions.lines.size() == 1);
  for (const auto& [column, wanted] : {std::pair{0U, bit(Signal::kClick)}, {2U, bit(Signal::kLike)}}) {
    double hits = 0.0, gain = 0.0, rows = 0.0;
    for (std::size_t row = 0; row < data.log.size(); ++row) {
      if (data.log.date[row] != 20220428 || data.log.is_random[row] || !(data.log.signals[row] & wanted)) continue;
      const std::uint32_t rank = index_of(data.log.video[row]);
      rows += 1.0;
      if (rank < 10) hits += 1.0, gain += 1.0 / std::log2(rank + 2.0);
    }
    REQUIRE(hits > 0.0);
    CHECK(reactions.lines[0].figure[column].mean == Approx(hits / rows));
    CHECK(reactions.lines[0].figure[column + 1].mean == Approx(gain / rows));
  }
}

TEST_CASE("a row's score is the same alone and among others", "[evaluation]") {
  const Dataset data = testing::toy_log(20, 30, 20, 5);
  const Catalogue catalogue = build_catalogue(data, 20220426);
  std::vector<std::uint32_t> rows(300);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint32_t>(399 - i);
  for (const std::shared_ptr<const Policy>& policy :
       {std::shared_ptr<const Policy>(std::make_shared<RandomPolicy>()), make_item_mean_policy(catalogue)}) {
    const std::vector<float> all = score_rows(*policy, data, catalogue, rows, 3);
    const std::vector<float> one = score_rows(*policy, data, catalogue, std::vector<std::uint32_t>{rows[277]}, 1);
    CHECK(one[0] == all[277]);
  }
}

TEST_CASE("a search draws the same trials again, keeps the defaults as its first, and names what cannot be",
          "[evaluation]") {
  const Json base = {{"rate", 0.1}, {"size", 8}, {"inner", {{"width", 4}}}, {"kind", "a"}};
  SearchSpace space;
  space.ranges = {
      {.setting = "rate", .kind = SearchSpace::Range::Kind::kLog, .low = 1e-4, .high = 1e-2, .choices = {}},
      {.setting = "inner.width", .kind = SearchSpace::Range::Kind::kInteger, .low = 2, .high = 5, .choices = {}},
      {.setting = "kind", .kind = SearchSpace::Range::Kind::kChoice, .choices = {"a", "b"}}};
  const auto judge = [](const Json& settings) {
    if (settings["kind"] == "b") throw SystemError("diverged");
    return -settings["rate"].get<double>();
  };
  const auto trials = random_search(space, base, 30, 7, 1, judge);
  const auto again = random_search(space, base, 30, 7, 3, judge);
  CHECK(trials[0].settings == base);
  std::size_t failed = 0;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    CHECK(trials[i].settings == again[i].settings);
    failed += !trials[i].failure.empty();
    if (i == 0) continue;
    CHECK(trials[i].settings["rate"] >= 1e-4);
    CHECK(trials[i].settings["rate"] <= 1e-2);
    CHECK(trials[i].settings["inner"]["width"].get<int>() >= 2);
    CHECK(trials[i].settings["inner"]["width"].get<int>() <= 5);
  }
  CHECK(failed > 3);
  CHECK(best_trial(trials).trial > 0);
  CHECK(trials_csv(space, trials).find("trial,auc,seconds,rate,inner.width,kind,failure\n0,-0.1,") == 0);
  space.ranges[0].setting = "speed";
  CHECK_THROWS_WITH(random_search(space, base, 2, 7, 1, judge), Catch::Contains("'speed'"));
}

}  // namespace
}  // namespace swipegym
