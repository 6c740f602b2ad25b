#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "evaluation/metrics/mean_variance.h"
#include "evaluation/off_policy/estimators.h"

using namespace swipegym;

namespace {

/// A bandit with three contexts, two actions and known rewards; the logging policy likes action 0, the judged one
/// action
/// 1. A user has one context and three rows, whose rewards share a part, so that rows are not independent.
struct Bandit {
  static constexpr double kBehaviour[3] = {0.8, 0.7, 0.9};  // of action 0
  static constexpr double kJudged[3] = {0.3, 0.1, 0.6};
  static constexpr double kMean[3][2] = {{1.0, 2.0}, {0.0, 1.5}, {-1.0, 0.5}};

  static double value() {
    double sum = 0.0;
    for (int x = 0; x < 3; ++x) sum += kJudged[x] * kMean[x][0] + (1.0 - kJudged[x]) * kMean[x][1];
    return sum / 3.0;
  }

  std::vector<double> reward, propensity, evaluation, q_hat;
  std::vector<std::int32_t> action;
  std::vector<std::uint32_t> user;

  Bandit(std::uint32_t users, RandomKey key, double model_error = 0.0) {
    for (std::uint32_t u = 0; u < users; ++u) {
      RandomStream random(split(key, u));
      const std::uint32_t x = random.below(3);
      const double shared = random.uniform_double() - 0.5;
      for (int row = 0; row < 3; ++row) {
        const int a = random.uniform_double() < kBehaviour[x] ? 0 : 1;
        action.push_back(a);
        reward.push_back(kMean[x][a] + shared + 2.0 * (random.uniform_double() - 0.5));
        propensity.push_back(a == 0 ? kBehaviour[x] : 1.0 - kBehaviour[x]);
        evaluation.insert(evaluation.end(), {kJudged[x], 1.0 - kJudged[x]});
        q_hat.insert(q_hat.end(), {kMean[x][0] + model_error, kMean[x][1] - model_error});
        user.push_back(u);
      }
    }
  }
  std::vector<OffPolicyRow> rows() const {
    return off_policy_rows({2, reward, action, propensity, evaluation, q_hat, user});
  }
};

template <class Change>
std::string message_of(Change change) {
  Bandit bandit(4, make_key(1));
  LoggedChoices choices{2,          bandit.reward, bandit.action, bandit.propensity, bandit.evaluation, bandit.q_hat,
                        bandit.user};
  try {
    change(bandit, choices);
    off_policy_rows(choices);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("IPS, DR and MRDR's kin are right on average with a wrong model, DM is not", "[off_policy]") {
  constexpr int kLogs = 400;
  const std::vector<Estimator> unbiased = {Estimator::kIps, Estimator::kDr};
  std::vector<MeanVariance> found(unbiased.size());
  MeanVariance direct, snips, sndr;
  for (std::uint64_t log = 0; log < kLogs; ++log) {
    const auto rows = Bandit(100, split(make_key(2), log), 0.5).rows();
    for (std::size_t e = 0; e < unbiased.size(); ++e) found[e].add(estimate(unbiased[e], kNoLimit, rows));
    direct.add(estimate(Estimator::kDirect, kNoLimit, rows));
    snips.add(estimate(Estimator::kSnips, kNoLimit, rows));
    sndr.add(estimate(Estimator::kSndr, kNoLimit, rows));
  }
  // Four standard errors of the mean of the logs.
  for (const MeanVariance& values : found)
    CHECK(values.mean() == Approx(Bandit::value()).margin(4.0 * values.standard_error()));
  CHECK(snips.mean() == Approx(Bandit::value()).margin(4.0 * snips.standard_error() + 0.01));  // consistent only
  CHECK(sndr.mean() == Approx(Bandit::value()).margin(4.0 * sndr.standard_error() + 0.01));
  CHECK(std::abs(direct.mean() - Bandit::value()) > 0.15);
  CHECK(found[1].variance() < found[0].variance());  // a model that is roughly right is worth something
}

TEST_CASE("the 95 % intervals hold the truth about that often, users and not rows being drawn", "[off_policy]") {
  constexpr int kLogs = 300;
  int held = 0, held_by_rows = 0;
  for (std::uint64_t log = 0; log < kLogs; ++log) {
    const RandomKey key = split(make_key(3), log);
    std::vector<OffPolicyRow> rows = Bandit(80, key).rows();
    const AskedEstimate ask{.name = "dr", .estimator = Estimator::kDr, .rows = rows};
    const auto holds = [&] {
      const Interval value = estimate_with_intervals({&ask, 1}, key, {.resamples = 300, .threads = 1})[0].value;
      return value.low <= Bandit::value() && Bandit::value() <= value.high;
    };
    held += holds();
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].user = static_cast<std::uint32_t>(i);
    held_by_rows += holds();
  }
  // .95 of 300 with a binomial standard deviation of .0126: three of them, and a percent for so few users.
  CHECK(held >= 0.90 * kLogs);
  CHECK(held <= 0.99 * kLogs);
  CHECK(held_by_rows < held);
}

TEST_CASE("on skewed rewards, studentised intervals hold the truth where percentiles fail", "[off_policy]") {
  // Squares of exponentials have mean 2 and a long tail, as seconds have; 40 users, a row each.
  constexpr int kLogs = 300;
  constexpr std::size_t kUsers = 40;
  int held = 0, held_by_percentiles = 0;
  for (std::uint64_t log = 0; log < kLogs; ++log) {
    const RandomKey key = split(make_key(12), log);
    std::vector<OffPolicyRow> rows(kUsers);
    Measure mean;
    mean.items = kUsers;
    double sum = 0.0;
    for (std::uint32_t u = 0; u < kUsers; ++u) {
      const double draw = -std::log(1.0 - RandomStream(key, u).uniform_double());
      rows[u] = {.reward = draw * draw, .weight = 1.0, .user = u};
      mean.numerator.push_back(static_cast<float>(draw * draw)), sum += draw * draw;
    }
    const auto holds = [](const Interval& value) { return value.low <= 2.0 && 2.0 <= value.high; };
    const BootstrapOptions options{.resamples = 300, .threads = 1};
    const AskedEstimate ask{.name = "ips", .estimator = Estimator::kIps, .rows = rows};
    held += holds(estimate_with_intervals({&ask, 1}, key, options)[0].value);
    held_by_percentiles += holds(percentile_interval(sum / kUsers, bootstrap({&mean, 1}, key, options)[0]));
  }
  CHECK(held >= 0.90 * kLogs);
  CHECK(held_by_percentiles < 0.88 * kLogs);
}

TEST_CASE("at the ends of their settings, estimators are each other", "[off_policy]") {
  const auto rows = Bandit(50, make_key(4), 0.3).rows();
  const auto value = [&](Estimator estimator, double lambda) { return estimate(estimator, lambda, rows); };
  const double dm = value(Estimator::kDirect, 0.0), dr = value(Estimator::kDr, 0.0),
               ips = value(Estimator::kIps, kNoLimit);
  for (const Estimator estimator : {Estimator::kSwitchDr, Estimator::kDros, Estimator::kDrPessimistic}) {
    CHECK(value(estimator, 0.0) == Approx(dm));
    CHECK(value(estimator, kNoLimit) == Approx(dr));
  }
  CHECK(value(Estimator::kDros, 1e9) == Approx(dr));
  CHECK(value(Estimator::kSubGaussian, 0.0) == Approx(ips));
  CHECK(value(Estimator::kSubGaussianDr, 0.0) == Approx(dr));
  CHECK(value(Estimator::kNcis, kNoLimit) == Approx(value(Estimator::kSnips, 0.0)));
  CHECK(dr != Approx(dm));
}

TEST_CASE("SLOPE bounds weights that only add noise and leave those that carry the value", "[off_policy]") {
  // Two rows in a hundred have a weight of 50; all others weigh nothing much.
  std::vector<OffPolicyRow> noise, value;
  for (std::uint32_t i = 0; i < 400; ++i) {
    RandomStream random(make_key(9), i);
    const bool heavy = random.uniform() < 0.02F;
    const double coin = random.uniform() < 0.5F ? -1.0 : 1.0;
    noise.push_back({.reward = heavy ? 5.0 * coin : 1.0, .weight = heavy ? 50.0 : 1.0, .propensity = 0.1, .user = i});
    value.push_back({.reward = heavy ? 5.0 : 0.0, .weight = heavy ? 50.0 : 1.0, .propensity = 0.1, .user = i});
  }
  const std::vector<double> lambdas = {kNoLimit, 20.0, 5.0, 1.0};
  CHECK(slope_setting(Estimator::kIps, lambdas, noise) == 1.0);
  CHECK(slope_setting(Estimator::kIps, lambdas, value) > 5.0);
  for (const double lambda : lambda_grid(Estimator::kDros, noise)) CHECK(lambda >= 0.0);
}

TEST_CASE("diagnostics count users, mean weight and effective rows", "[off_policy]") {
  const std::vector<OffPolicyRow> rows = {
      {.weight = 3.0, .user = 5}, {.weight = 1.0, .user = 5}, {.weight = 0.0, .user = 9}};
  const WeightDiagnostics found = diagnose(rows);
  CHECK(found.rows == 3);
  CHECK(found.users == 2);
  CHECK(found.effective_rows == Approx(16.0 / 10.0));
  CHECK(found.max_weight == 3.0);
  CHECK(found.mean_weight == Approx(4.0 / 3.0));
}

TEST_CASE("arrays that make no sense are refused by name, row and value", "[off_policy]") {
  using Catch::Contains;
  CHECK(message_of([](Bandit&, LoggedChoices&) {}).empty());
  CHECK_THAT(message_of([](Bandit& b, LoggedChoices&) { b.propensity[2] = 0.0; }),
             Contains("propensity of row 2 is 0"));
  CHECK_THAT(message_of([](Bandit& b, LoggedChoices&) { b.propensity[1] = 1.5; }),
             Contains("propensity of row 1 is 1.5"));
  CHECK_THAT(message_of([](Bandit& b, LoggedChoices&) { b.action[3] = 2; }), Contains("action of row 3 is 2"));
  CHECK_THAT(message_of([](Bandit& b, LoggedChoices&) { b.evaluation[0] = 0.9; }), Contains("row 0 sums to"));
  CHECK_THAT(message_of([](Bandit& b, LoggedChoices&) { b.evaluation[0] = -0.1; }), Contains("row 0 holds -0.1"));
  CHECK_THAT(message_of([](Bandit& b, LoggedChoices&) { b.reward[1] = NAN; }), Contains("reward of row 1 is nan"));
  CHECK_THAT(message_of([](Bandit&, LoggedChoices& c) { c.user = c.user.first(2); }), Contains("user has 2 values"));
  CHECK_THAT(message_of([](Bandit&, LoggedChoices& c) { c.actions = 0; }), Contains("no action"));
  const auto rows = Bandit(4, make_key(1)).rows();
  const AskedEstimate ask{.name = "x", .estimator = Estimator::kSubGaussian, .lambda = 2.0, .rows = rows};
  CHECK_THROWS_WITH(estimate_with_intervals({&ask, 1}, make_key(1)), Contains("lambda of 'sub_gaussian' is 2"));
  CHECK_THROWS_AS(slope_setting(Estimator::kSnips, std::vector<double>{1.0}, rows), std::invalid_argument);
}
