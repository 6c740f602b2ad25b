#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "evaluation/studies/upload_season.h"

namespace swipegym {
namespace {

// A tenth of the published setting, so that tests take a second.
UploadSeasonConfig small_season() {
  UploadSeasonConfig config;
  config.uploads_a_day = 25, config.life_days = 6, config.days = 20, config.slate = 15, config.found_shows = 20;
  return config;
}

SeasonStudy small_study() {
  SeasonStudy study;
  study.config = small_season();
  study.impressions = {30};
  study.worlds = 6;
  return study;
}

const SeasonRow& row_of(const std::vector<SeasonRow>& rows, const std::string& policy) {
  return *std::find_if(rows.begin(), rows.end(), [&](const SeasonRow& row) { return row.policy == policy; });
}

std::string season_problem(UploadSeasonConfig config) {
  try {
    config.check();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a season's value is 0 for uniform choice, and bandits that learn come nearer the oracle", "[evaluation]") {
  SeasonStudy study = small_study();
  study.policies = season_policies();
  const std::vector<SeasonRow> rows = run_upload_season(study);
  REQUIRE(rows.size() == season_policies().size());
  CHECK(std::abs(row_of(rows, "uniform").value.mean) < 4.0 * row_of(rows, "uniform").value_error + 1e-3);
  for (const SeasonRow& row : rows) {
    CAPTURE(row.policy, row.value.mean, row.value_error);
    CHECK(row.value.mean < 1.0);
    CHECK(row.found.mean >= 0.0);
    CHECK(row.found.mean <= 1.0);
    if (row.policy != "uniform") CHECK(row.value.low > 0.0);
  }
  // What the published table says at 50 impressions, in intervals that do not overlap.
  CHECK(row_of(rows, "bayes-ucb").value.low > row_of(rows, "greedy").value.high);
  CHECK(row_of(rows, "thompson").value.low > row_of(rows, "ucb1").value.high);
  CHECK(row_of(rows, "thompson").found.mean > row_of(rows, "greedy").found.mean);
  CHECK(row_of(rows, "bayes-quantile").value.mean == Approx(row_of(rows, "bayes-ucb").value.mean).margin(0.1));
}

TEST_CASE("with late feedback greedy shows the same uploads all day", "[evaluation]") {
  SeasonStudy study = small_study();
  study.policies = {"greedy", "thompson"};
  const std::vector<SeasonRow> at_once = run_upload_season(study);
  study.daily = true;
  const std::vector<SeasonRow> late = run_upload_season(study);
  CHECK(late[0].value.mean < at_once[0].value.mean);
  CHECK(late[1].value.mean < at_once[1].value.mean);
}

TEST_CASE("a season's results do not depend on threads, and follow the seed", "[evaluation]") {
  SeasonStudy study = small_study();
  study.worlds = 3, study.impressions = {5, 10}, study.policies = {"greedy", "thompson", "buckets"};
  study.threads = 1;
  const std::string one = season_json(run_upload_season(study)).dump();
  study.threads = 4;
  CHECK(season_json(run_upload_season(study)).dump() == one);
  study.seed = 2;
  CHECK(season_json(run_upload_season(study)).dump() != one);
}

TEST_CASE("under one key every policy meets the same uploads", "[evaluation]") {
  const RandomKey world = make_key(4);
  const SeasonResult greedy = play_season(small_season(), "greedy", 10, false, world);
  const SeasonResult uniform = play_season(small_season(), "uniform", 40, true, world);
  CHECK(greedy.oracle == Approx(uniform.oracle).epsilon(1e-12));
  CHECK(play_season(small_season(), "greedy", 10, false, make_key(5)).oracle != Approx(greedy.oracle).epsilon(1e-6));
}

TEST_CASE("the season's table fits a terminal", "[evaluation]") {
  SeasonStudy study = small_study();
  study.worlds = 2, study.impressions = {1, 2, 3, 4}, study.policies = {"buckets-thompson", "greedy"};
  std::istringstream table(season_table(run_upload_season(study)));
  int lines = 0;
  for (std::string line; std::getline(table, line); ++lines) {
    CAPTURE(line);
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    CHECK(columns <= 100);
  }
  CHECK(lines >= 8);  // three numbers of impressions side by side, the fourth below
}

TEST_CASE("seasons that make no sense are refused", "[evaluation]") {
  CHECK(season_problem({}).empty());
  UploadSeasonConfig config;
  config.days = 40;
  CHECK(season_problem(config).find("twice life_days") != std::string::npos);
  config = {};
  config.slate = 2001;
  CHECK(season_problem(config).find("slate is 2001") != std::string::npos);
  config = {};
  config.buckets.shares = {0.5, 0.5, 0.5, 0.5};
  CHECK(season_problem(config).find("sum to 2") != std::string::npos);
  config = {};
  config.wide_buckets.edges = {};
  CHECK(season_problem(config).find("flow.edges") != std::string::npos);
  config = {};
  config.prior.alpha = std::nan("");
  CHECK_FALSE(season_problem(config).empty());
  SeasonStudy study = small_study();
  study.policies = {"greedier"};
  CHECK_THROWS_AS(run_upload_season(study), InputError);
  study = small_study();
  study.impressions = {0};
  CHECK_THROWS_AS(run_upload_season(study), InputError);
  study = small_study();
  study.worlds = 0;
  CHECK_THROWS_AS(run_upload_season(study), InputError);
}

}  // namespace swipegym
