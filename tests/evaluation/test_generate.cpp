#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "core/error.h"
#include "env/catalogue.h"
#include "env/constant_user_model.h"
#include "evaluation/generate/generate.h"
#include "evaluation/generate/generated_release.h"
#include "policy/make_policy.h"
#include "sim_data/calendar.h"
#include "sim_data/dataset.h"
#include "tests/evaluation/toy_model.h"

using namespace swipegym;

namespace {

// A simulator whose world is the toy log's own.
std::shared_ptr<const Simulator> simulator_of(const Dataset& data, const test::ToyUserModel::Options& options = {}) {
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = build_catalogue(data, 99999999);
  simulator->population = build_population(data, 99999999);
  simulator->model = std::make_shared<test::ToyUserModel>(options);
  return simulator;
}

struct Made {
  std::vector<LogRow> rows;
  GenerateReport report;
};

Made make(const Dataset& data, const Policy& policy, GenerateConfig config,
          const test::ToyUserModel::Options& options = {}) {
  Made made;
  made.report = generate_log(simulator_of(data, options), policy, config, [&](std::span<const LogRow> rows) {
    made.rows.insert(made.rows.end(), rows.begin(), rows.end());
  });
  return made;
}

Made make_platform(const Dataset& data, GenerateConfig config) {
  Made made;
  const LoggedFeed feed(data, FeedRows{});
  made.report = generate_platform_log(*simulator_of(data), feed, config, [&](std::span<const LogRow> rows) {
    made.rows.insert(made.rows.end(), rows.begin(), rows.end());
  });
  return made;
}

GenerateConfig config_for(std::uint64_t sessions, int threads = 1) {
  GenerateConfig config{.sessions = sessions, .world = {.candidates = 4}};
  config.world.history_length = 10;
  config.engine.threads = threads;
  return config;
}

bool same_rows(const std::vector<LogRow>& a, const std::vector<LogRow>& b) {
  const auto equal = [](const LogRow& x, const LogRow& y) {
    return x.time_ms == y.time_ms && x.user == y.user && x.video == y.video && x.play_ms == y.play_ms &&
           x.signals == y.signals && x.source_row == y.source_row &&
           (x.propensity == y.propensity || (std::isnan(x.propensity) && std::isnan(y.propensity)));
  };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), equal);
}

}  // namespace

TEST_CASE("a generated log holds the sessions asked for, chained over the days behind the fitted log", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 30, .days = 4});
  const Made made = make(data, RandomPolicy(), config_for(90));
  CHECK(made.report.sessions == 90);
  CHECK(made.report.rows == 90 * 5);
  CHECK(made.report.first_date == 20220505);
  CHECK(made.report.last_date == 20220508);
  CHECK(made.report.users == 23);  // four sessions each, a day apart; the last user is cut at two
  std::map<std::uint32_t, std::vector<LogRow>> of_user;
  for (std::size_t i = 0; i < made.rows.size(); ++i) {
    const LogRow& row = made.rows[i];
    CHECK(row.source_row == i);
    CHECK(row.date == date_of_time(row.time_ms));
    CHECK(row.duration_ms == static_cast<std::int32_t>(data.videos.duration_ms[row.video]));
    CHECK(row.hourmin % 100 == 0);
    of_user[row.user].push_back(row);
  }
  for (const auto& [user, rows] : of_user) {
    std::set<std::int32_t> days;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i > 0) CHECK(rows[i].time_ms > rows[i - 1].time_ms);
      days.insert(rows[i].date);
    }
    CHECK(days.size() == rows.size() / 5);  // the toy comes back every noon
  }
}

TEST_CASE("propensities are the exploration's own, given the candidates", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 30, .days = 4});
  const auto longest = make_longest_policy(build_catalogue(data, 99999999));
  for (const LogRow& row : make(data, *longest, config_for(40)).rows) {
    CHECK(row.propensity == 1.0F);
    CHECK(row.is_random == 0);
  }
  for (const LogRow& row : make(data, RandomPolicy(), config_for(40)).rows) {
    CHECK(row.propensity == 0.25F);
    CHECK(row.is_random == 1);  // uniform over the catalogue
  }
  GenerateConfig explore = config_for(400);
  explore.exploration = Exploration::epsilon_greedy(0.4F);
  std::map<float, int> count;
  for (const LogRow& row : make(data, *longest, explore).rows) ++count[row.propensity];
  REQUIRE(count.size() == 2);
  CHECK(count.begin()->first == Approx(0.1F));
  CHECK(count.rbegin()->first == Approx(0.7F));
  // 2,000 rows: the best slot is taken .7 of the time, standard deviation .010.
  CHECK(count.rbegin()->second / 2000.0 == Approx(0.7).margin(0.04));
}

TEST_CASE("weighting by propensity recovers the uniform policy's mean", "[evaluation]") {
  // What propensities are for: the softmax log, reweighted by (1/4) / p, says what uniform choice would earn.
  const Dataset data = test::make_toy_dataset({.users = 60, .days = 4});
  GenerateConfig config = config_for(3000);
  config.exploration = Exploration::boltzmann(20'000.0F);  // scores are durations in ms
  double weighted = 0.0, plain = 0.0, uniform = 0.0;
  const Made soft = make(data, *make_longest_policy(build_catalogue(data, 99999999)), config);
  for (const LogRow& row : soft.rows) {
    weighted += 0.25 / row.propensity * row.play_ms;
    plain += row.play_ms;
  }
  const Made even = make(data, RandomPolicy(), config_for(3000));
  for (const LogRow& row : even.rows) uniform += row.play_ms;
  const double n = static_cast<double>(soft.rows.size()), m = static_cast<double>(even.rows.size());
  CHECK(plain / n > 1.1 * uniform / m);
  // Play times have a standard deviation of about 1.3 of their mean; 15,000 rows on both sides: 1.6 % together.
  CHECK(weighted / n == Approx(uniform / m).epsilon(0.06));
}

TEST_CASE("a generated log depends on its seed and nothing else", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 100, .days = 3});
  const test::ToyUserModel::Options restless{.skip_day = 0.4};
  const Made one = make(data, RandomPolicy(), config_for(500), restless);
  CHECK(same_rows(make(data, RandomPolicy(), config_for(500, 3), restless).rows, one.rows));
  // More sessions begin with the same ones.
  std::vector<LogRow> longer = make(data, RandomPolicy(), config_for(700), restless).rows;
  longer.resize(one.rows.size());
  CHECK(same_rows(longer, one.rows));
  GenerateConfig other = config_for(500);
  other.seed = 2;
  CHECK_FALSE(same_rows(make(data, RandomPolicy(), other, restless).rows, one.rows));
  CHECK(same_rows(make_platform(data, config_for(500, 3)).rows, make_platform(data, config_for(500)).rows));
}

TEST_CASE("parts of whole users, one behind the other, are the log", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 40, .days = 3});
  std::vector<LogRow> together;
  std::uint64_t sessions = 0, users = 0;
  for (std::uint64_t part = 0; part < 3; ++part) {
    GenerateConfig config = config_for(1'000'000);
    config.first_chain = 25 * part;  // the last part is in the second period
    config.chains = 25;
    std::vector<std::size_t> ends;
    config.session_sink = [&](std::span<const std::size_t> of) {
      CHECK(of.back() > 0);
      ends.insert(ends.end(), of.begin(), of.end());
    };
    Made made = make(data, RandomPolicy(), config);
    CHECK(ends.size() == made.report.sessions);
    sessions += made.report.sessions;
    users += made.report.users;
    for (LogRow& row : made.rows) row.source_row += static_cast<std::uint32_t>(together.size());
    together.insert(together.end(), made.rows.begin(), made.rows.end());
  }
  CHECK(users == 75);
  CHECK(same_rows(together, make(data, RandomPolicy(), config_for(sessions)).rows));
}

TEST_CASE("users come again in a later period when the sessions ask for it", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 10, .days = 2});
  const Made made = make(data, RandomPolicy(), config_for(60));  // twenty a period
  CHECK(made.report.first_date == 20220503);
  CHECK(made.report.last_date == 20220508);
  std::set<std::pair<std::uint32_t, std::int64_t>> moments;
  for (const LogRow& row : made.rows) moments.emplace(row.user, row.time_ms);
  CHECK(moments.size() == made.rows.size());  // nobody is in two places
}

TEST_CASE("the platform's log looks like the log it was resampled from", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 150, .days = 4});
  const Made made = make_platform(data, config_for(600));
  CHECK(made.report.sessions == 600);
  double real = 0.0, ours = 0.0, real_tab = 0.0, our_tab = 0.0;
  for (std::size_t i = 0; i < data.log.size(); ++i) {
    real += static_cast<double>(data.log.play_ms[i]) / data.log.duration_ms[i];
    real_tab += data.log.tab[i] == 0;
  }
  for (const LogRow& row : made.rows) {
    CHECK(std::isnan(row.propensity));
    CHECK(row.is_random == 0);
    ours += static_cast<double>(row.play_ms) / row.duration_ms;
    our_tab += row.tab == 0;
  }
  // 3,000 rows each of exponential ratios with mean .45: standard errors .009.
  CHECK(ours / 3000 == Approx(real / 3000).margin(0.045));
  CHECK(our_tab / 3000 == Approx(real_tab / 3000).margin(0.05));
}

TEST_CASE("slates have no single propensity and are refused", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 5, .days = 2});
  GenerateConfig config = config_for(5);
  config.world.slate = 2;
  CHECK_THROWS_AS(make(data, RandomPolicy(), config), InputError);
}

TEST_CASE("a generated release loads as data, with the propensities and the same tables", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 20, .days = 2});
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("swipegym_release_" + std::to_string(::getpid()));
  const Made made = make(data, *make_longest_policy(build_catalogue(data, 99999999)), config_for(30));
  {
    GeneratedRelease release(folder, data.users, data.videos, {.rows_per_part = 40});
    release.add(std::span(made.rows).first(70));
    CHECK_FALSE(std::filesystem::exists(folder));
    release.add(std::span(made.rows).subspan(70));
    release.commit();
  }
  const LoadedDataset loaded = load_dataset(folder);
  CHECK(loaded.data.log.size() == made.rows.size());
  CHECK(loaded.data.users.raw_id == data.users.raw_id);
  CHECK(loaded.data.videos.raw_id == data.videos.raw_id);
  CHECK(loaded.data.videos.tag == data.videos.tag);
  REQUIRE(loaded.data.log.propensity.size() == made.rows.size());
  for (std::size_t i = 0; i < loaded.data.log.size(); ++i) {
    const LogRow& row = made.rows[loaded.data.log.source_row[i]];
    CHECK(index_of(loaded.data.log.video[i]) == row.video);
    CHECK(loaded.data.log.time_ms[i] == row.time_ms);
    CHECK(loaded.data.log.play_ms[i] == row.play_ms);
    CHECK(loaded.data.log.propensity[i] == row.propensity);
  }
  std::filesystem::remove_all(folder);
}
