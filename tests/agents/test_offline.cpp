#include <catch2/catch.hpp>
#include <cmath>

#include "agents/offline/offline_actors.h"
#include "core/error.h"
#include "tests/agents/label_toy.h"
#include "tests/agents/offline_bandit.h"
#include "tests/sanitized.h"

using namespace swipegym;
using swipegym::test::LabelToy;
using swipegym::test::OfflineBandit;

namespace {

constexpr std::size_t kX = OfflineBandit::kContexts, kA = OfflineBandit::kActions;

/// [contexts, actions] of what a network says of the four contexts.
Matrix chances(const StateNetwork& network) {
  Matrix contexts = Matrix::Identity(kX, kX), out;
  const std::vector<std::uint32_t> all = {0, 1, 2, 3};
  network.log_probs(contexts, all, out);
  return out.array().exp();
}

double expected(const Matrix& policy, double (*response)(std::size_t, std::size_t)) {
  double sum = 0.0;
  for (std::size_t x = 0; x < kX; ++x)
    for (std::size_t a = 0; a < kA; ++a)
      sum += static_cast<double>(policy(static_cast<Eigen::Index>(x), static_cast<Eigen::Index>(a))) * response(x, a) /
             static_cast<double>(kX);
  return sum;
}

OfflineConfig offline_toy_config() {
  OfflineConfig config;
  config.videos = 20, config.history_length = 8, config.hidden = {8}, config.critic_hidden = {8};
  config.batch = 128, config.behaviour_epochs = 3, config.critic_epochs = 2, config.advantage_epochs = 2;
  config.actor_epochs = 1, config.temperatures = {1.0}, config.weights = {0.3}, config.lambdas = {0.5};
  return config;
}

std::array<double, kOfflineResponses> no_gain(std::span<const float>, std::span<const float>) {
  return {};
}

std::string message_of(const SupervisedTask& task, const OfflineConfig& config) {
  try {
    make_offline_rows(task, config);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("offline: a log's behaviour is recovered, and TSCAC's second stage attains its closed form", "[offline]") {
  if (swipegym::testing::skips_quality()) return;
  const OfflineRows rows = OfflineBandit::make(20'000, 4'000, 2);
  const OfflineConfig config = OfflineBandit::config();
  const OfflineRun run{.seed = 3, .threads = 2};
  const StoppedNetwork behaviour = fit_behaviour(rows, config, run);
  const Matrix cloned = chances(behaviour.network);
  for (std::size_t x = 0; x < kX; ++x)
    for (std::size_t a = 0; a < kA; ++a) {
      CAPTURE(x, a);
      CHECK(cloned(static_cast<Eigen::Index>(x), static_cast<Eigen::Index>(a)) ==
            Approx(OfflineBandit::behaviour(x, a)).margin(0.03));
    }

  const std::vector<float> behaviour_log = logged_log_probs(behaviour.network, rows);
  const auto advantages = logged_advantages(rows, scaled_responses(rows), config, run);
  // Two auxiliaries: one learns likes, the other learns nothing and stays the clone.
  std::vector<StateNetwork> auxiliaries = {behaviour.network, behaviour.network};
  auxiliaries[0].restart(1e-3);
  for (std::uint64_t epoch = 0; epoch < 5; ++epoch)
    gradient_epoch(auxiliaries[0], rows, {behaviour_log, advantages[1], 10.0}, config.batch, make_key(epoch));
  const Matrix liked = chances(auxiliaries[0]);
  const double before = expected(cloned, OfflineBandit::like), after = expected(liked, OfflineBandit::like);
  CHECK(after > before + 0.5 * (0.5 - before));  // at least half way to always showing what is liked

  const StoppedNetwork advantage = fit_advantage(rows, advantages[kOfflineMain], config, run);
  const SecondStage stage = second_stage(rows, behaviour.network, auxiliaries, advantage.network);
  constexpr double kLambda = 0.7;
  StateNetwork actor = behaviour.network;
  actor.restart(3e-3);
  double distance = 1.0;
  for (std::uint64_t epoch = 0; epoch < 12; ++epoch)
    distance = target_epoch(actor, rows, stage, kLambda, config.batch, make_key(100 + epoch));
  CHECK(distance < 2e-3);

  // The closed form from the bandit's true seconds: p* ~ sqrt(p_1 p_2) exp(A / (2 lambda sd A)).
  double squares = 0.0;
  Matrix truth(kX, kA);
  for (std::size_t x = 0; x < kX; ++x) {
    double mean = 0.0;
    for (std::size_t a = 0; a < kA; ++a) mean += OfflineBandit::behaviour(x, a) * OfflineBandit::seconds(x, a);
    for (std::size_t a = 0; a < kA; ++a) {
      const double one = OfflineBandit::seconds(x, a) - mean;
      truth(static_cast<Eigen::Index>(x), static_cast<Eigen::Index>(a)) = static_cast<float>(one);
      squares += OfflineBandit::behaviour(x, a) * one * one / static_cast<double>(kX);
    }
  }
  const Matrix tilt = (truth.array() / static_cast<float>(2.0 * kLambda * std::sqrt(squares))).exp();
  Matrix wanted = (liked.array() * cloned.array()).sqrt() * tilt.array();
  for (Eigen::Index x = 0; x < wanted.rows(); ++x) wanted.row(x) /= wanted.row(x).sum();
  const Matrix found = chances(actor);
  CHECK((found - wanted).cwiseAbs().maxCoeff() < 0.03F);
  CHECK(expected(found, OfflineBandit::seconds) > expected(cloned, OfflineBandit::seconds) + 1.0);
  CHECK(expected(found, OfflineBandit::like) > before + 0.02);
}

TEST_CASE("offline: what happens on test days changes no policy, nor do threads", "[offline]") {
  LabelToy toy(20220502);
  SupervisedTask task = toy.task;
  task.validate = {20220503, 20220503}, task.test = {20220504, 20220504};
  const OfflineConfig config = offline_toy_config();
  const OfflineRows rows = make_offline_rows(task, config);
  Dataset changed = toy.data;
  for (std::size_t row = 0; row < changed.log.size(); ++row) {
    if (changed.log.date[row] != 20220504) continue;
    changed.log.play_ms[row] = 7'777, changed.log.signals[row] = 0xFF;
    changed.log.video[row] = VideoIndex{3};
  }
  task.data = &changed, task.threads = 3;
  const Catalogue catalogue = build_catalogue(changed, 20220502);
  task.catalogue = &catalogue;
  const OfflineRows other = make_offline_rows(task, config);
  REQUIRE(other.test.size() != rows.test.size());  // the change reached the rows
  const OfflineTraining one = train_offline(rows, config, {.seed = 1, .threads = 1}, no_gain);
  const OfflineTraining two = train_offline(other, config, {.seed = 1, .threads = 3}, no_gain);
  REQUIRE(one.choices.size() == two.choices.size());
  for (const auto part : {&OfflineRows::train, &OfflineRows::validate}) {
    const std::vector<std::uint32_t>&a = rows.*part, &b = other.*part;
    REQUIRE(a.size() == b.size());
    for (std::size_t choice = 0; choice < one.choices.size(); ++choice)
      for (std::size_t i = 0; i < a.size(); ++i)
        if (one.choices[choice].log_prob[a[i]] != two.choices[choice].log_prob[b[i]])
          FAIL(one.choices[choice].method << " differs in row " << i);
  }
}

TEST_CASE("offline: a row knows what came before it, and ends with its user or part", "[offline]") {
  LabelToy toy(20220502);
  SupervisedTask task = toy.task;
  task.validate = {20220503, 20220503}, task.test = {20220504, 20220504};
  const OfflineRows rows = make_offline_rows(task, offline_toy_config());
  std::vector<int> part(rows.size(), 0);
  for (const std::uint32_t row : rows.validate) part[row] = 1;
  for (const std::uint32_t row : rows.test) part[row] = 2;
  for (std::size_t row = 0; row + 1 < rows.size(); ++row) {
    const bool follows = rows.user[row] == rows.user[row + 1] && part[row] == part[row + 1];
    REQUIRE(rows.next[row] == (follows ? static_cast<std::int32_t>(row) + 1 : -1));
  }
  // Whoever clicked in a row: that row's own state does not change, a later one of the user does.
  Dataset changed = toy.data;
  std::size_t log_row = 0;  // of the first kept row
  while (toy.data.log.duration_ms[log_row] == 0 ||
         index_of(toy.data.log.video[log_row]) != rows.video[static_cast<std::size_t>(rows.action[0])])
    ++log_row;
  changed.log.signals[log_row] ^= bit(Signal::kClick);
  task.data = &changed;
  const OfflineRows other = make_offline_rows(task, offline_toy_config());
  // Click rates of all rows move by the log's mean and are standardised anew: compare against another user's shift.
  const auto moved = [&](std::size_t row) {
    return (other.states.row(static_cast<Eigen::Index>(row)) - rows.states.row(static_cast<Eigen::Index>(row)))
        .cwiseAbs()
        .maxCoeff();
  };
  REQUIRE(rows.next[0] == 1);
  CHECK(moved(1) > 5.0F * moved(0));
}

TEST_CASE("offline: bad settings and days are named", "[offline]") {
  LabelToy toy(20220502);
  SupervisedTask task = toy.task;
  task.validate = {20220503, 20220503}, task.test = {20220504, 20220504};
  OfflineConfig config = offline_toy_config();
  config.videos = 1000;
  CHECK_THAT(message_of(task, config), Catch::Contains("'videos' is 1000, expected at most 60"));
  config = offline_toy_config();
  config.lambdas = {0.5, 0.0};
  CHECK_THAT(message_of(task, config), Catch::Contains("'lambdas[1]' is 0.0, expected a number from"));
  config = offline_toy_config();
  task.validate = {20230101, 20230102};
  CHECK_THAT(message_of(task, config), Catch::Contains("validation days, 20230101 to 20230102, have 0 rows"));
}
