#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "evaluation/uplift/exposure_effect.h"
#include "evaluation/uplift/outcome_model.h"
#include "evaluation/uplift/uplift_estimators.h"
#include "evaluation/uplift/uplift_scores.h"
#include "evaluation/uplift/uplift_table.h"
#include "tests/evaluation/uplift_world.h"

namespace swipegym {
namespace {

constexpr int kUpliftWorlds = 100;

struct Coverage {
  int worlds = 0, holds = 0, above = 0;  // the truth lies in the interval; the interval lies above the truth
  void add(const Interval& interval, double truth) {
    ++worlds;
    holds += interval.low <= truth && truth <= interval.high;
    above += interval.low > truth;
  }
};

std::vector<std::uint32_t> one_stratum(const UpliftRows& rows) {
  return std::vector<std::uint32_t>(rows.size(), 0);
}

std::vector<double> feature_column(const UpliftRows& rows, std::size_t column) {
  std::vector<double> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows.feature_row(i)[column]);
  return out;
}

// Every estimator that the coin makes right, for the coin's effect and for a watch's, and the naive one.
std::map<std::string, Coverage> coverage_of(double effect) {
  std::map<std::string, Coverage> out;
  for (int seed = 1; seed <= kUpliftWorlds; ++seed) {
    const test::UpliftWorld world =
        test::make_uplift_world(static_cast<std::uint64_t>(seed), {.creators = 150, .days = 10, .effect = effect});
    const RandomKey key = make_key(static_cast<std::uint64_t>(seed));
    const UpliftRows &rows = world.rows, on_exposure = with_exposure_as_outcome(rows);
    const auto both = [&](const std::string& name, const auto& estimator) {
      const UpliftEstimate coin = estimator(rows);
      out[name + ", coin"].add(coin.average, world.mean_per_coin);
      out[name + ", watch"].add(per_watch(coin, estimator(on_exposure), rows.creator).average, world.mean_per_watch);
    };
    both("inverse propensity", [&](const UpliftRows& of) { return difference_of_means(of, one_stratum(of)); });
    both("strata",
         [&](const UpliftRows& of) { return difference_of_means(of, quantile_strata(feature_column(of, 1), 5)); });
    both("S-learner", [&](const UpliftRows& of) { return s_learner(of, {}, key); });
    both("T-learner", [&](const UpliftRows& of) { return t_learner(of, {}, key); });
    both("X-learner", [&](const UpliftRows& of) { return x_learner(of, {}, key); });
    both("transformed", [&](const UpliftRows& of) { return transformed_learner(of, {}, key); });
    for (const Instrument instrument : {Instrument::kNone, Instrument::kTreatment, Instrument::kImpressions}) {
      const UpliftEstimate estimate = exposure_effect(rows, instrument);
      out[std::string(exposure_effect_name(instrument))].add(estimate.average, world.mean_per_watch);
      if (instrument != Instrument::kNone) CHECK(estimate.first_stage > 100.0);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("what was shown misleads the naive regression, and the coin repairs every estimator", "[evaluation]") {
  // Of 100 worlds an interval that keeps its promise holds the truth in fewer than 90 with a chance of .012.
  for (const double effect : {1.0, 0.0}) {
    const std::map<std::string, Coverage> coverage = coverage_of(effect);
    CHECK(coverage.size() == 15);
    for (const auto& [name, of] : coverage) {
      CAPTURE(effect, name, of.holds, of.above);
      if (name == "naive regression")
        CHECK(of.above > 9 * kUpliftWorlds / 10);
      else
        CHECK(of.holds >= 9 * kUpliftWorlds / 10);
    }
  }
}

TEST_CASE("learners find who answers, and the naive regression's numbers are too large for all", "[evaluation]") {
  const test::UpliftWorld world = test::make_uplift_world(1, {.creators = 2000});
  const RandomKey key = make_key(1);
  for (const auto& learner : {s_learner, t_learner, x_learner, transformed_learner}) {
    const UpliftEstimate estimate = learner(world.rows, {}, key);
    CAPTURE(estimate.name);
    CHECK(truth_qini(estimate.tau, world.per_coin) > 0.8);
    CHECK(qini_curve(world.rows, estimate.tau).coefficient > 0.0);
    // The truth's own deviation, which is what saying the average for everybody would miss it by.
    std::vector<double> average(world.per_coin.size(), world.mean_per_coin);
    CHECK(pehe(estimate.tau, world.per_coin) < pehe(average, world.per_coin));
    const UpliftCalibration calibration = uplift_calibration(estimate.tau, world.per_coin);
    CHECK(calibration.slope == Approx(1.0).margin(0.35));
  }
  const UpliftEstimate by_coin = exposure_effect(world.rows, Instrument::kTreatment);
  const UpliftEstimate naive = exposure_effect(world.rows, Instrument::kNone);
  CHECK(truth_qini(by_coin.tau, world.per_watch) > 0.9);
  CHECK(pehe(by_coin.tau, world.per_watch) < 0.3 * pehe(naive.tau, world.per_watch));
  CHECK(std::isnan(naive.first_stage));
}

TEST_CASE("the table has every estimator for one watch, scored against the truth", "[evaluation]") {
  const test::UpliftWorld world = test::make_uplift_world(2, {.creators = 1000});
  const std::vector<UpliftLine> lines = uplift_table(world.rows, world.per_watch, {}, make_key(2), 1);
  REQUIRE(lines.size() == 9);
  CHECK(lines[0].name == "naive regression");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    CAPTURE(lines[i].name);
    CHECK(lines[i].pehe < lines[0].pehe);
    CHECK(lines[i].estimate.average.mean == Approx(world.mean_per_watch).margin(0.02));
    CHECK(lines[i].estimate.first_stage > 1000.0);
    if (i != 1) CHECK(lines[i].truth_qini > 0.5);
  }
  CHECK(std::isnan(lines[1].slope));  // one number for all
  CHECK(lines[0].average_truth == Approx(world.mean_per_watch).epsilon(0.05));
  UpliftRows bare = world.rows;
  bare.num_features = 0, bare.features.clear(), bare.impressions.clear();
  const std::vector<UpliftLine> few = uplift_table(bare, {}, {}, make_key(2));
  CHECK(few.size() == 7);
  for (const UpliftLine& line : few) CHECK(std::isnan(line.pehe));
}

TEST_CASE("rows that the coin brings no watches say nothing of a watch, and are not counted", "[evaluation]") {
  // Half of the creators have nothing to show on any day; a watch would be worth ten times as much to them.
  test::UpliftWorld world = test::make_uplift_world(12, {.creators = 1000});
  UpliftRows& rows = world.rows;
  double moved_mean = 0.0, moved = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool empty = rows.creator[i] % 2 == 0;
    rows.features[3 * i] = empty ? 1.0 : 0.0;  // in the place of the hint
    if (!empty) moved_mean += world.per_watch[i], moved += 1.0;
    if (!empty) continue;
    rows.exposure[i] = rows.impressions[i] = 0.0;
    rows.outcome[i] = 1.0;
    world.per_watch[i] *= 10.0;
  }
  moved_mean /= moved;
  const std::vector<UpliftLine> lines = uplift_table(rows, world.per_watch, {}, make_key(12));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    CAPTURE(lines[i].name);
    CHECK(lines[i].average_truth == Approx(moved_mean).epsilon(0.05));
    CHECK(lines[i].estimate.average.mean == Approx(moved_mean).margin(0.02));
    // Where nothing is known tau stays near the average; dividing by next to nothing would say anything.
    for (std::size_t row = 0; row < rows.size(); ++row)
      if (rows.creator[row] % 2 == 0 && std::abs(lines[i].estimate.tau[row]) > 1.0) FAIL("row " << row);
  }
}

TEST_CASE("the average owes nothing to the models: a penalty that flattens tau leaves it right", "[evaluation]") {
  const test::UpliftWorld world = test::make_uplift_world(3);
  const UpliftEstimate flat = s_learner(world.rows, {.penalties = {1e6}}, make_key(3));
  CHECK(*std::max_element(flat.tau.begin(), flat.tau.end()) < 0.001);
  CHECK(flat.average.low < world.mean_per_coin);
  CHECK(flat.average.high > world.mean_per_coin);
  CHECK(flat.average.low > 0.0);
}

TEST_CASE("a creator's tau comes from models that never saw the creator", "[evaluation]") {
  const test::UpliftWorld world = test::make_uplift_world(4, {.creators = 60});
  UpliftRows other = world.rows;
  for (std::size_t i = 0; i < other.size(); ++i)
    if (other.creator[i] == 7) other.outcome[i] += 100.0 * other.treated[i];
  for (const auto& learner : {s_learner, t_learner, x_learner, transformed_learner}) {
    const UpliftEstimate before = learner(world.rows, {}, make_key(4)), after = learner(other, {}, make_key(4)),
                         seen = learner(other, {.folds = 1}, make_key(4)), again = learner(world.rows, {}, make_key(4));
    CAPTURE(before.name);
    CHECK(before.tau == again.tau);
    bool same_for_7 = true, same_for_all = true, same_where_seen = true;
    for (std::size_t i = 0; i < other.size(); ++i) {
      const bool same = before.tau[i] == after.tau[i];
      same_for_all = same_for_all && same;
      if (other.creator[i] != 7) continue;
      same_for_7 = same_for_7 && same;
      same_where_seen = same_where_seen && std::abs(seen.tau[i] - before.tau[i]) < 0.5;
    }
    CHECK(same_for_7);
    CHECK_FALSE(same_for_all);
    CHECK_FALSE(same_where_seen);
  }
}

TEST_CASE("errors count creators, not rows", "[evaluation]") {
  const std::vector<double> influence = {1.0, -2.0, 0.5, 0.5};
  const std::vector<std::uint32_t> creator = {4, 9, 4, 2};
  // Sums 1.5, -2 and .5; three creators, four rows.
  CHECK(clustered_error(influence, creator) == Approx(std::sqrt(3.0 / 2.0 * (2.25 + 4.0 + 0.25)) / 4.0));
  const std::vector<std::uint32_t> alone = {1, 1, 1, 1};
  CHECK_THROWS_AS(clustered_error(influence, alone), InputError);

  // Every row four times: nothing more is known.
  const test::UpliftWorld world = test::make_uplift_world(5, {.creators = 50});
  UpliftRows rows = world.rows;
  for (int copy = 0; copy < 2; ++copy) {
    const auto twice = [](auto& values) {
      const auto once = values;
      values.insert(values.end(), once.begin(), once.end());
    };
    twice(rows.treated), twice(rows.propensity), twice(rows.exposure), twice(rows.impressions), twice(rows.outcome);
    twice(rows.features), twice(rows.creator);
  }
  const auto error = [](const UpliftRows& of) {
    return exposure_effect(of, Instrument::kTreatment, {.heterogeneous = false}).standard_error;
  };
  CHECK(error(rows) == Approx(error(world.rows)).epsilon(1e-9));
}

TEST_CASE("a model of the outcome takes the penalty and the kind that foresee best", "[evaluation]") {
  constexpr std::size_t kRows = 2000;
  FeatureTable table{.width = 2, .values = {}};
  std::vector<double> noise, line, bent;
  std::vector<std::uint32_t> creator, rows, unseen;
  for (std::size_t i = 0; i < kRows; ++i) {
    RandomStream random(split(make_key(6), i));
    const double a = 4.0 * random.uniform_double() - 2.0, b = 4.0 * random.uniform_double() - 2.0;
    const double luck = draw_normal_pair(random)[0];
    table.values.insert(table.values.end(), {a, b});
    noise.push_back(luck);
    line.push_back(1.0 + 2.0 * a - b + 0.1 * luck);
    bent.push_back(std::sin(3.0 * a) * (b > 0.0 ? 2.0 : -1.0) + 0.1 * luck);
    creator.push_back(static_cast<std::uint32_t>(i / 10));
    (i < kRows * 4 / 5 ? rows : unseen).push_back(static_cast<std::uint32_t>(i));
  }
  const auto fitted = [&](const std::vector<double>& target, const UpliftSettings& settings) {
    return OutcomeModel({.table = &table, .target = target, .creator = creator, .rows = rows}, settings, make_key(7));
  };
  const auto error = [&](const std::vector<double>& target, const UpliftSettings& settings) {
    const std::vector<double> predicted = fitted(target, settings).predict(table, unseen);
    double sum = 0.0;
    for (std::size_t i = 0; i < unseen.size(); ++i) sum += std::pow(predicted[i] - target[unseen[i]], 2);
    return std::sqrt(sum / static_cast<double>(unseen.size()));
  };
  CHECK(fitted(noise, {}).penalty() == 1.0);
  CHECK(fitted(line, {}).penalty() <= 1e-3);
  CHECK(error(line, {}) == Approx(0.1).margin(0.02));
  CHECK(error(bent, {.base = "mlp"}) < 0.5);
  CHECK(error(bent, {}) > 1.0);
  CHECK(fitted(bent, {.base = "chosen"}).is_network());
  CHECK_FALSE(fitted(line, {.base = "chosen"}).is_network());
  const UpliftSettings network{.base = "mlp"};
  CHECK(fitted(bent, network).predict(table, unseen) == fitted(bent, network).predict(table, unseen));
}

TEST_CASE("strata are of equal size, and equal values share one", "[evaluation]") {
  CHECK(quantile_strata(std::vector<double>{3.0, 1.0, 2.0, 4.0}, 2) == std::vector<std::uint32_t>{1, 0, 0, 1});
  CHECK(quantile_strata(std::vector<double>{0.0, 0.0, 0.0, 5.0}, 4) == std::vector<std::uint32_t>{0, 0, 0, 1});
  CHECK(quantile_strata(std::vector<double>{0.3, 0.6, 0.3, 0.6}, 10) == std::vector<std::uint32_t>{0, 1, 0, 1});

  const test::UpliftWorld world = test::make_uplift_world(8);
  const auto strata = quantile_strata(feature_column(world.rows, 1), 4);
  const UpliftEstimate estimate = difference_of_means(world.rows, strata);
  // Each stratum's own difference, by hand.
  double tau = 0.0, weight = 0.0;
  for (const int arm : {1, 0}) {
    double sum = 0.0, count = 0.0;
    for (std::size_t i = 0; i < strata.size(); ++i)
      if (strata[i] == 2 && world.rows.treated[i] == arm) {
        weight = 1.0 / (arm == 1 ? world.rows.propensity[i] : 1.0 - world.rows.propensity[i]);
        sum += weight * world.rows.outcome[i], count += weight;
      }
    tau += (arm == 1 ? 1.0 : -1.0) * sum / count;
  }
  const auto row = static_cast<std::size_t>(std::find(strata.begin(), strata.end(), 2U) - strata.begin());
  CHECK(estimate.tau[row] == Approx(tau));
}

TEST_CASE("without watches from the coin no effect of a watch is told", "[evaluation]") {
  test::UpliftWorld world = test::make_uplift_world(9, {.creators = 50});
  std::fill(world.rows.exposure.begin(), world.rows.exposure.end(), 1.0);
  const UpliftEstimate none =
      per_watch(difference_of_means(world.rows, one_stratum(world.rows)),
                difference_of_means(with_exposure_as_outcome(world.rows), one_stratum(world.rows)), world.rows.creator);
  CHECK(std::isnan(none.average.mean));
  CHECK(std::isnan(none.tau[0]));
  CHECK_THROWS_AS(exposure_effect(world.rows, Instrument::kTreatment), InputError);
}

TEST_CASE("rows that are no rows are refused", "[evaluation]") {
  const test::UpliftWorld world = test::make_uplift_world(10, {.creators = 10});
  const auto refused = [&](const auto& damage) {
    UpliftRows rows = world.rows;
    damage(rows);
    CHECK_THROWS_AS(rows.validate(), InputError);
    CHECK_THROWS_AS(exposure_effect(rows, Instrument::kImpressions), InputError);
    CHECK_THROWS_AS(t_learner(rows, {}, make_key(1)), InputError);
    CHECK_THROWS_AS(difference_of_means(rows, one_stratum(world.rows)), InputError);
  };
  CHECK_NOTHROW(world.rows.validate());
  refused([](UpliftRows& rows) { rows = {}; });
  refused([](UpliftRows& rows) { rows.treated[3] = 2; });
  refused([](UpliftRows& rows) { rows.propensity[3] = 0.0; });
  refused([](UpliftRows& rows) { rows.propensity[3] = 1.0; });
  refused([](UpliftRows& rows) { rows.exposure[3] = -1.0; });
  refused([](UpliftRows& rows) { rows.impressions[3] = NAN; });
  refused([](UpliftRows& rows) { rows.outcome[3] = INFINITY; });
  refused([](UpliftRows& rows) { rows.features.pop_back(); });
  refused([](UpliftRows& rows) { rows.creator.pop_back(); });
  refused([](UpliftRows& rows) { std::fill(rows.creator.begin(), rows.creator.end(), 1U); });

  UpliftRows rows = world.rows;
  rows.impressions.clear();
  CHECK_THROWS_AS(exposure_effect(rows, Instrument::kImpressions), InputError);
  CHECK_NOTHROW(exposure_effect(rows, Instrument::kTreatment));
  rows.exposure.clear();
  CHECK_THROWS_AS(exposure_effect(rows, Instrument::kTreatment), InputError);
  CHECK_THROWS_AS(with_exposure_as_outcome(rows), InputError);
  CHECK_NOTHROW(t_learner(rows, {}, make_key(1)));
  CHECK_THROWS_AS(t_learner(rows, {.base = "tree"}, make_key(1)), InputError);
  std::fill(rows.treated.begin(), rows.treated.end(), std::uint8_t{1});
  CHECK_THROWS_AS(t_learner(rows, {}, make_key(1)), InputError);
  CHECK_THROWS_AS(difference_of_means(rows, one_stratum(rows)), InputError);
}

}  // namespace swipegym
