#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/generate/generate.h"
#include "evaluation/off_policy/session_values.h"
#include "policy/make_policy.h"
#include "tests/evaluation/toy_model.h"

using namespace swipegym;

namespace {

constexpr std::uint32_t kVideos = 30;

Dataset random_log(std::uint32_t users) {
  return test::make_toy_dataset({.users = users, .videos = kVideos, .days = 4, .rows_per_day = 2, .random_log = true});
}

std::vector<std::uint32_t> random_rows(const Log& log) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < log.size(); ++row)
    if (log.is_random[row] != 0) rows.push_back(row);
  return rows;
}

std::vector<std::uint32_t> all_rows(const Log& log) {
  std::vector<std::uint32_t> rows(log.size());
  for (std::uint32_t row = 0; row < log.size(); ++row) rows[row] = row;
  return rows;
}

// Likes videos by their number, as the toy's users do.
ItemScorePolicy by_number() {
  std::vector<float> score(kVideos);
  for (std::uint32_t v = 0; v < kVideos; ++v) score[v] = static_cast<float>(v);
  return {"by-number", score};
}

double mean_ratio(std::uint32_t video) {
  return 0.9 * (0.2 + 0.01 * video);
}

// The mean ratio of the video with the largest number in a uniform set of m.
double value_by_number(std::size_t m) {
  double value = 0.0, below = 0.0;  // below: chance that all m are below v
  for (std::uint32_t v = 0; v < kVideos; ++v) {
    double all = 1.0;
    for (std::size_t i = 0; i < m; ++i)
      all *= std::max(0.0, (v + 1.0 - static_cast<double>(i)) / (kVideos - static_cast<double>(i)));
    value += (all - below) * mean_ratio(v);
    below = all;
  }
  return value;
}

JudgeSettings by_ratio(std::size_t slots, std::size_t draws) {
  return {.slots = slots, .draws = draws, .reward = {.watch_s = 0.0F, .watch_ratio = 1.0F}, .threads = 1};
}

const Interval& value_of(const std::vector<OffPolicyEstimate>& table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& line) { return line.name == name; });
  REQUIRE(found != table.end());
  return found->value;
}

// Four standard errors about an estimate, from its interval.
void check_about(const Interval& found, double truth) {
  CAPTURE(found.mean, found.low, found.high);
  CHECK(std::abs(found.mean - truth) < 2.05 * (found.high - found.low) / 2.0);
}

/// A log made in the toy world by a policy that explores, with what it offered.
struct Generated {
  Dataset data = test::make_toy_dataset({.users = 150, .videos = kVideos, .days = 4, .rows_per_day = 2});
  Catalogue catalogue = build_catalogue(data, 99999999);
  LoggedCandidates offered{.slots = 4, .video = {}};

  explicit Generated(const Policy& policy, float epsilon = 0.6F) {
    auto simulator = std::make_shared<Simulator>();
    simulator->catalogue = catalogue;
    simulator->population = build_population(data, 99999999);
    simulator->model = std::make_shared<test::ToyUserModel>();
    GenerateConfig config{.sessions = 600, .world = {.candidates = offered.slots}};
    config.engine.threads = 1;
    config.exploration = Exploration::epsilon_greedy(epsilon);
    config.engine.exclude_history = 0;
    config.candidate_sink = [&](std::span<const std::int32_t> sets) {
      offered.video.insert(offered.video.end(), sets.begin(), sets.end());
    };
    std::vector<LogRow> rows;
    generate_log(simulator, policy, config,
                 [&](std::span<const LogRow> more) { rows.insert(rows.end(), more.begin(), more.end()); });
    std::sort(rows.begin(), rows.end(), [](const LogRow& a, const LogRow& b) {
      return std::pair(a.user, a.time_ms) < std::pair(b.user, b.time_ms);
    });
    data.log = {};
    append_rows(rows, data.log);
    data.user_offset = count_offsets(data.log, data.users.size());
  }
};

}  // namespace

TEST_CASE("among redrawn candidates, random rows tell what a policy would earn", "[off_policy]") {
  const Dataset data = random_log(600);
  const Catalogue catalogue = build_catalogue(data, 99999999);
  const std::vector<std::uint32_t> rows = random_rows(data.log);
  const CandidatesOf candidates = redrawn_candidates(data.log, random_pool(data.log), make_key(3));
  const ItemScorePolicy policy = by_number();
  for (const std::size_t m : {2, 5, 15}) {
    CAPTURE(m);
    const JudgedRows once = judge_rows(policy, data, catalogue, rows, candidates, by_ratio(m, 1));
    const JudgedRows often = judge_rows(policy, data, catalogue, rows, candidates, by_ratio(m, 8));
    const TableSettings settings{.bootstrap = {.resamples = 300, .threads = 1}};
    const auto table = one_step_table(often, settings, make_key(4));
    for (const char* name : {"ips", "snips", "dr", "sndr", "mrdr"}) {
      CAPTURE(name);
      check_about(value_of(table, name), value_by_number(m));
    }
    // A uniform choice is worth a tenth less and more: the rows do tell them apart.
    CHECK(value_of(table, "dr").low > value_of(table, "logged").mean);
    const WeightDiagnostics one = diagnose(once.row), eight = diagnose(often.row);
    CHECK(one.max_weight == Approx(static_cast<double>(m)));
    CHECK(one.effective_rows == Approx(static_cast<double>(rows.size()) / static_cast<double>(m)).epsilon(0.15));
    CHECK(eight.effective_rows > 1.2 * one.effective_rows);
    CHECK(eight.mean_weight == Approx(1.0).margin(0.15));
  }
}

TEST_CASE("the random policy is worth what uniform rows earned, exactly", "[off_policy]") {
  const Dataset data = random_log(50);
  const Catalogue catalogue = build_catalogue(data, 99999999);
  const std::vector<std::uint32_t> rows = random_rows(data.log);
  const CandidatesOf candidates = redrawn_candidates(data.log, random_pool(data.log), make_key(3));
  const JudgedRows judged = judge_rows(RandomPolicy(), data, catalogue, rows, candidates, by_ratio(10, 2));
  for (const OffPolicyRow& row : judged.row) CHECK(row.weight == Approx(1.0));
  JudgeSettings threads = by_ratio(10, 2);
  threads.threads = 3;
  const JudgedRows again = judge_rows(RandomPolicy(), data, catalogue, rows, candidates, threads);
  CHECK(judged.linear.policy == again.linear.policy);
  CHECK(judged.linear.logged == again.linear.logged);
}

TEST_CASE("a redrawn set holds distinct videos and the logged one in any slot", "[off_policy]") {
  const Dataset data = random_log(60);
  const CandidatesOf candidates = redrawn_candidates(data.log, random_pool(data.log), make_key(3));
  std::vector<std::int32_t> videos(6);
  std::vector<std::uint8_t> mask(6);
  std::vector<int> times(6, 0), shown(kVideos, 0);
  for (std::uint32_t row = 0; row < data.log.size(); ++row)
    for (std::size_t draw = 0; draw < 4; ++draw) {
      const std::size_t at = candidates(row, draw, videos, mask);
      ++times[at];
      CHECK(videos[at] == static_cast<std::int32_t>(index_of(data.log.video[row])));
      for (const std::int32_t video : videos) ++shown[static_cast<std::size_t>(video)];
      std::vector<std::int32_t> sorted = videos;
      std::sort(sorted.begin(), sorted.end());
      CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
    }
  const double sets = 4.0 * static_cast<double>(data.log.size());
  for (const int count : times) CHECK(count == Approx(sets / 6).margin(5.0 * std::sqrt(sets / 6)));
  for (const int count : shown) CHECK(count == Approx(sets * 6 / kVideos).epsilon(0.2));
}

TEST_CASE("a generated log and what it offered value other policies, a video and a session", "[off_policy]") {
  const Generated made(by_number());
  const std::vector<std::uint32_t> rows = all_rows(made.data.log);
  const CandidatesOf candidates = offered_candidates(made.offered, made.data.log);
  JudgeSettings settings = by_ratio(4, 1);
  settings.uniform = false;
  const TableSettings table_settings{.bootstrap = {.resamples = 300, .threads = 1}};

  // The logging policy itself: the log says outright what it earned.
  settings.exploration = Exploration::epsilon_greedy(0.6F);
  const JudgedRows itself = judge_rows(by_number(), made.data, made.catalogue, rows, candidates, settings);
  for (const OffPolicyRow& row : itself.row) CHECK(row.weight == Approx(1.0).epsilon(1e-5));

  // The random policy: answers are half as long when a policy chooses (ToyUserModel), and do not depend on the past.
  const JudgedRows random = judge_rows(RandomPolicy(), made.data, made.catalogue, rows, candidates, settings);
  double truth = 0.0;
  for (std::uint32_t v = 0; v < kVideos; ++v) truth += 0.5 * mean_ratio(v) / kVideos;
  const auto table = one_step_table(random, table_settings, make_key(4));
  for (const char* name : {"ips", "snips", "dr", "sndr", "mrdr"}) {
    CAPTURE(name);
    check_about(value_of(table, name), truth);
  }
  CHECK(value_of(table, "logged").low > truth);
  // Sessions of five videos.
  const SessionValues sessions = session_values(random, {.discount = 1.0}, make_key(5));
  REQUIRE(sessions.model_converged);
  CHECK(sessions.log.size() == 600);
  const SequenceEstimates found = estimate_sequences(sessions.log, {}, make_key(6), table_settings.bootstrap);
  for (const Interval& one : {found.per_decision, found.weighted, found.doubly_robust}) check_about(one, 5.0 * truth);
  CHECK(logged_session_value(sessions.log, 1.0, make_key(6), table_settings.bootstrap).low > 5.0 * truth);
}

TEST_CASE("candidates come back from their file, and belong to one log", "[off_policy]") {
  using Catch::Contains;
  const Generated made{RandomPolicy()};
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("swipegym-sets-" + std::to_string(::getpid()) + ".h5");
  save_candidates(made.offered, made.data.videos, path);
  const LoggedCandidates back = load_candidates(path, made.data.videos);
  CHECK(back.slots == 4);
  CHECK(back.video == made.offered.video);
  Dataset other = made.data;
  for (std::int64_t& id : other.videos.raw_id) id += 1;
  CHECK_THROWS_WITH(load_candidates(path, other.videos), Contains("does not know"));
  std::filesystem::remove(path);

  other = made.data;
  std::vector<std::int32_t> videos(4);
  std::vector<std::uint8_t> mask(4);
  std::rotate(other.log.video.begin(), other.log.video.begin() + 1, other.log.video.end());
  const CandidatesOf mixed = offered_candidates(made.offered, other.log);
  const auto ask_all = [&] {
    for (std::uint32_t row = 0; row < other.log.size(); ++row) mixed(row, 0, videos, mask);
  };
  CHECK_THROWS_WITH(ask_all(), Contains("was not offered"));
  LoggedCandidates few = made.offered;
  few.video.resize(8);
  CHECK_THROWS_WITH(offered_candidates(few, made.data.log), Contains("has no candidates"));
  JudgeSettings settings = by_ratio(4, 1);
  settings.uniform = false;
  other = made.data, other.log.propensity.clear();
  const CandidatesOf candidates = offered_candidates(made.offered, made.data.log);
  CHECK_THROWS_WITH(judge_rows(RandomPolicy(), other, made.catalogue, all_rows(other.log), candidates, settings),
                    Contains("has no propensity"));
}

TEST_CASE("rewards of logged rows follow their weights", "[off_policy]") {
  Dataset data = random_log(5);
  const Catalogue catalogue = build_catalogue(data, 99999999);
  Log& log = data.log;
  log.play_ms[0] = 9000, log.duration_ms[0] = 6000;
  log.signals[0] = static_cast<SignalBits>(bit(Signal::kLike) | bit(Signal::kClick));
  RewardWeights weights{.watch_s = 2.0F, .watch_ratio = 1.0F};
  weights.signal[static_cast<std::size_t>(Signal::kLike)] = 10.0F;
  CHECK(logged_reward(log, 0, catalogue, weights) == Approx(18.0 + 1.5 + 10.0));
  log.duration_ms[0] = 0;  // unknown: the catalogue's
  const double known = catalogue.duration_ms[index_of(log.video[0])];
  CHECK(logged_reward(log, 0, catalogue, {.watch_s = 0.0F, .watch_ratio = 1.0F}) ==
        Approx(std::min(9000.0 / known, 5.0)));
}
