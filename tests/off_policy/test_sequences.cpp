#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "evaluation/off_policy/linear_model.h"
#include "evaluation/off_policy/sequences.h"

using namespace swipegym;

namespace {

/// A decision process of three steps, two states and two actions that can be written out whole. Probabilities of the
/// logging policy and of transitions are quarters, so that a log that holds every course of events as often as it
/// happens has 4^5 trajectories; a course may end after its second step.
struct Process {
  static constexpr double kDiscount = 0.9;
  static constexpr int kBehaviour[2] = {3, 1};  // quarters of action 0 in each state
  static constexpr double kJudged[2] = {0.2, 0.7};
  static constexpr int kToOne[2][2] = {{1, 3}, {2, 1}};  // quarters of reaching state 1, by state and action
  static constexpr double kReward[2][2] = {{1.0, -2.0}, {0.5, 4.0}};

  static double judged(int s, int a) { return a == 0 ? kJudged[s] : 1.0 - kJudged[s]; }
  static double behaviour(int s, int a) { return (a == 0 ? kBehaviour[s] : 4 - kBehaviour[s]) / 4.0; }
  static int quarters_to(int s, int a, int next) { return next == 1 ? kToOne[s][a] : 4 - kToOne[s][a]; }
  /// A trajectory is over after three steps, or after the second when it took action 1 in state 1.
  static bool ends(int t, int s, int a) { return t == 2 || (t == 1 && s == 1 && a == 1); }

  static double q(int t, int s, int a) {
    double value = kReward[s][a];
    if (!ends(t, s, a))
      for (int next = 0; next < 2; ++next) value += kDiscount * quarters_to(s, a, next) / 4.0 * v(t + 1, next);
    return value;
  }
  static double v(int t, int s) { return judged(s, 0) * q(t, s, 0) + judged(s, 1) * q(t, s, 1); }
};

struct Step {
  int t, s, a;
};

/// Every course of events from state 0, as often as the logging policy makes it happen; `q_error` spoils Q^.
struct WholeLog {
  LoggedTrajectories log;
  std::vector<Step> steps;

  explicit WholeLog(double q_error = 0.0) : error_(q_error) { follow({{0, 0, 0}}, 1024); }

 private:
  // The last step's action is still to be drawn; `times` is how often we got there.
  void follow(std::vector<Step> course, int times) {
    for (int a = 0; a < 2; ++a) {
      Step& last = course.back();
      last.a = a;
      const int taken = static_cast<int>(times * Process::behaviour(last.s, a));
      if (Process::ends(last.t, last.s, a)) {
        for (int i = 0; i < taken; ++i) write(course);
        continue;
      }
      for (int next = 0; next < 2; ++next) {
        std::vector<Step> longer = course;
        longer.push_back({last.t + 1, next, 0});
        follow(longer, taken * Process::quarters_to(last.s, a, next) / 4);
      }
    }
  }
  void write(const std::vector<Step>& course) {
    for (const Step& step : course) {
      steps.push_back(step);
      log.reward.push_back(Process::kReward[step.s][step.a]);
      log.weight.push_back(Process::judged(step.s, step.a) / Process::behaviour(step.s, step.a));
      log.q_logged.push_back(Process::q(step.t, step.s, step.a) + error_ * (step.t - step.a));
      log.q_policy.push_back(Process::v(step.t, step.s) + error_ * (step.t - Process::judged(step.s, 1)));
    }
    log.offset.push_back(log.reward.size());
    log.user.push_back(static_cast<std::uint32_t>(log.user.size()));
  }
  double error_;
};

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("importance sampling of trajectories gives the exact value of a whole decision process", "[off_policy]") {
  const WholeLog whole;
  const double truth = Process::v(0, 0);
  REQUIRE(whole.log.size() == 1024);
  CHECK(mean(per_decision_returns(whole.log, {.discount = Process::kDiscount})) == Approx(truth).epsilon(1e-12));
  CHECK(weighted_per_decision(whole.log, {.discount = Process::kDiscount}) == Approx(truth).epsilon(1e-12));
  // Two earlier weights are the whole past of three steps; none leaves the states to the logging policy.
  CHECK(mean(per_decision_returns(whole.log, {.discount = Process::kDiscount, .window = 2})) ==
        Approx(truth).epsilon(1e-12));
  CHECK(weighted_per_decision(whole.log, {.discount = Process::kDiscount, .window = 2}) ==
        Approx(truth).epsilon(1e-12));
  double stepwise = 0.0;
  for (std::size_t i = 0; i < whole.steps.size(); ++i)
    stepwise += std::pow(Process::kDiscount, whole.steps[i].t) * whole.log.weight[i] * whole.log.reward[i] / 1024.0;
  CHECK(mean(per_decision_returns(whole.log, {.discount = Process::kDiscount, .window = 0})) == Approx(stepwise));
  CHECK(std::abs(stepwise - truth) > 0.1);
}

TEST_CASE("the doubly robust recursion is exact with any model, and without spread with the right one",
          "[off_policy]") {
  const double truth = Process::v(0, 0);
  CHECK(mean(doubly_robust_returns(WholeLog(0.8).log, Process::kDiscount)) == Approx(truth).epsilon(1e-12));
  CHECK(mean(model_returns(WholeLog(0.8).log)) != Approx(truth));
  // With the true Q, chance is left in where transitions lead, not in which actions were taken.
  const auto spread = [](const std::vector<double>& values) {
    double squares = 0.0;
    for (const double value : values) squares += (value - mean(values)) * (value - mean(values));
    return squares;
  };
  const WholeLog right;
  CHECK(spread(doubly_robust_returns(right.log, Process::kDiscount)) <
        0.5 * spread(per_decision_returns(right.log, {.discount = Process::kDiscount})));
}

TEST_CASE("fitted Q evaluation finds the process's own Q from its features", "[off_policy]") {
  const WholeLog whole;
  constexpr Eigen::Index kCells = 12;  // step, state, action
  const auto cell = [](const Step& step, int a) { return static_cast<Eigen::Index>((step.t * 2 + step.s) * 2 + a); };
  const auto n = static_cast<Eigen::Index>(whole.steps.size());
  LinearRows rows{.logged = Matrix::Zero(n, kCells), .policy = Matrix::Zero(n, kCells), .reward = whole.log.reward};
  for (Eigen::Index i = 0; i < n; ++i) {
    const Step& step = whole.steps[static_cast<std::size_t>(i)];
    rows.logged(i, cell(step, step.a)) = 1.0F;
    for (int a = 0; a < 2; ++a) rows.policy(i, cell(step, a)) = static_cast<float>(Process::judged(step.s, a));
    rows.continues.push_back(Process::ends(step.t, step.s, step.a) ? 0 : 1);
    rows.user.push_back(static_cast<std::uint32_t>(i));
  }
  const FittedValues fitted =
      fit_values(rows, {.fit = {.folds = 1, .ridge = 1e-9}, .discount = Process::kDiscount}, make_key(1));
  REQUIRE(fitted.converged);
  for (std::size_t i = 0; i < whole.steps.size(); ++i) {
    const Step& step = whole.steps[i];
    CHECK(fitted.value.logged[i] == Approx(Process::q(step.t, step.s, step.a)).margin(1e-5));
    CHECK(fitted.value.policy[i] == Approx(Process::v(step.t, step.s)).margin(1e-5));
  }
  // Rewards alone are what is left of Q when nothing after them counts.
  const CrossFitted rewards = fit_rewards(rows, {}, {.folds = 1, .ridge = 1e-9}, make_key(1));
  CHECK(rewards.logged[0] == Approx(Process::kReward[whole.steps[0].s][whole.steps[0].a]).margin(1e-5));
}

TEST_CASE("a value that grows without end is said not to have converged", "[off_policy]") {
  // Two rows of one state that leads to twice itself.
  LinearRows rows{.logged = Matrix::Ones(2, 1), .policy = 2.0F * Matrix::Ones(2, 1), .reward = {1.0, 1.0}};
  rows.user = {0, 1};
  rows.continues = {1, 0};
  rows.logged(1, 0) = 0.1F;
  CHECK_FALSE(fit_values(rows, {.fit = {.folds = 1}, .discount = 1.0, .max_iterations = 200}, make_key(1)).converged);
  CHECK(fit_values(rows, {.fit = {.folds = 1}, .discount = 0.3}, make_key(1)).converged);
}

TEST_CASE("models are fitted on other users' rows", "[off_policy]") {
  // A feature a user: fitted on others' rows it says nothing, fitted on all it says the reward.
  constexpr Eigen::Index kUsers = 6;
  LinearRows rows{.logged = Matrix::Identity(kUsers, kUsers), .policy = Matrix::Identity(kUsers, kUsers)};
  for (std::uint32_t u = 0; u < kUsers; ++u) rows.reward.push_back(3.0), rows.user.push_back(u);
  for (const double q : fit_rewards(rows, {}, {.folds = 3}, make_key(1)).logged) CHECK(q == 0.0);
  for (const double q : fit_rewards(rows, {}, {.folds = 1, .ridge = 1e-6}, make_key(1)).logged)
    CHECK(q == Approx(3.0).epsilon(1e-4));
}

TEST_CASE("the intervals of sequences lie about their estimates", "[off_policy]") {
  const SequenceEstimates found = estimate_sequences(WholeLog().log, {.discount = Process::kDiscount}, make_key(1),
                                                     {.resamples = 300, .threads = 1});
  for (const Interval& one : {found.per_decision, found.weighted, found.doubly_robust}) {
    CHECK(one.mean == Approx(Process::v(0, 0)));
    CHECK(one.low < one.mean);
    CHECK(one.mean < one.high);
  }
  CHECK(found.doubly_robust.high - found.doubly_robust.low < found.weighted.high - found.weighted.low);
}

TEST_CASE("trajectories that make no sense are refused", "[off_policy]") {
  using Catch::Contains;
  LoggedTrajectories log = WholeLog().log;
  log.weight[7] = -1.0;
  CHECK_THROWS_WITH(check(log), Contains("weight of step 7 is -1"));
  log = WholeLog().log, log.reward[3] = NAN;
  CHECK_THROWS_WITH(check(log), Contains("reward of step 3 is nan"));
  log = WholeLog().log, log.q_policy.clear();
  CHECK_THROWS_WITH(check(log), Contains("go together"));
  log = WholeLog().log, log.offset[1] = 0;
  CHECK_THROWS_WITH(check(log), Contains("number 0 has no step"));
  log = WholeLog().log, log.user.pop_back();
  CHECK_THROWS_WITH(check(log), Contains("user has 1023 values"));
  CHECK_THROWS_AS(check(LoggedTrajectories{}), InputError);
  CHECK_THROWS_WITH(per_decision_returns(WholeLog().log, {.discount = 1.5}), Contains("discount is 1.5"));
}
