#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/parallel_for.h"
#include "core/random_draws.h"
#include "core/special_functions.h"
#include "policy/bandit/arm_scores.h"
#include "policy/bandit/beta_arms.h"
#include "policy/bandit/slate.h"
#include "sim_data/dataset.h"

namespace swipegym {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

using ArmIds = std::vector<std::uint32_t>;

// Shows `shows` times, of which the first `successes` succeed.
void show_arm(BetaArms& arms, std::uint32_t arm, int successes, int shows) {
  ArmIds ids(static_cast<std::size_t>(shows), arm);
  std::vector<float> success(ids.size(), 0.0F);
  std::fill_n(success.begin(), successes, 1.0F);
  arms.update(ids, success);
}

struct CountRows {
  std::vector<double> successes, shows;
};

CountRows beta_binomial_rows(const BetaPrior& prior, std::size_t rows, std::uint64_t seed) {
  CountRows drawn;
  for (std::size_t i = 0; i < rows; ++i) {
    RandomStream random(make_key(seed), static_cast<std::uint32_t>(i));
    const double rate = draw_beta(random, prior.alpha, prior.beta);
    const int shows = 5 + static_cast<int>(random.below(60));
    int successes = 0;
    for (int k = 0; k < shows; ++k) successes += random.uniform_double() < rate;
    drawn.successes.push_back(successes), drawn.shows.push_back(shows);
  }
  return drawn;
}

}  // namespace

TEST_CASE("posteriors are the prior's counts and those shown", "[policy][bandit]") {
  BetaArms arms({4.62, 8.46});
  CHECK(arms.add(2) == 0);
  CHECK(arms.add(1, {1.0, 3.0}) == 2);
  show_arm(arms, 0, 7, 10);
  show_arm(arms, 2, 1, 2);
  CHECK(arms.mean(0) == Approx(11.62 / 23.08));
  CHECK(arms.deviation(0) == Approx(std::sqrt(11.62 * 11.46 / (23.08 * 23.08 * 24.08))));
  CHECK(arms.mean(1) == Approx(4.62 / 13.08));
  CHECK(arms.deviation(1) == Approx(BetaPrior{4.62, 8.46}.deviation()));
  CHECK(arms.alpha(2) == 2.0);
  CHECK(arms.beta(2) == 4.0);
  const ArmIds fraction = {1};
  arms.update(fraction, std::vector<float>{0.25F});
  CHECK(arms.alpha(1) == Approx(4.87));
  CHECK(arms.beta(1) == Approx(9.21));
}

TEST_CASE("a day's decay moves counts towards the prior", "[policy][bandit]") {
  BetaArms arms({2.0, 3.0});
  arms.add();
  show_arm(arms, 0, 6, 10);
  arms.decay(0.9);
  CHECK(arms.alpha(0) == Approx(0.9 * 8.0 + 0.1 * 2.0));
  CHECK(arms.beta(0) == Approx(0.9 * 7.0 + 0.1 * 3.0));
  for (int day = 0; day < 400; ++day) arms.decay(0.9);
  CHECK(arms.mean(0) == Approx(0.4));
  CHECK(arms.alpha(0) + arms.beta(0) == Approx(5.0));
}

TEST_CASE("arms keep their ids, and retired ones leave the live list for good", "[policy][bandit]") {
  BetaArms arms;
  arms.add(4);
  show_arm(arms, 1, 3, 3);
  const ArmIds old = {1, 3, 3};
  arms.retire(old);
  CHECK(arms.add(2) == 4);
  const ArmIds expected = {0, 2, 4, 5};
  CHECK(ArmIds(arms.live().begin(), arms.live().end()) == expected);
  CHECK_FALSE(arms.is_live(1));
  CHECK(arms.is_live(5));
  CHECK(arms.shows()[1] == 3.0);
  // The best arm by far is retired: no rule finds it among the live ones.
  std::vector<double> scores(arms.live().size());
  SlateRoom room;
  std::vector<std::uint32_t> slate(4);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    score_thompson(arms, arms.live(), make_key(seed), scores);
    REQUIRE(best_slate(scores, {}, room, slate) == 4);
    for (const std::uint32_t place : slate) CHECK(arms.live()[place] != 1);
  }
}

TEST_CASE("feedback waits for its tick, and is merged in the order of shards", "[policy][bandit]") {
  const auto filled = [](int threads, bool backwards) {
    BetaArms arms;
    arms.add(50);
    DelayedFeedback feedback(16, 4);
    parallel_for(16, threads, [&](std::size_t item, int) {
      const std::size_t shard = backwards ? 15 - item : item;
      for (std::uint32_t i = 0; i < 100; ++i) {
        RandomStream random(make_key(shard), i);
        feedback.add(shard, random.below(50), random.uniform());  // fractions, whose sums depend on their order
      }
    });
    CHECK(feedback.waiting() == 1600);
    CHECK(std::accumulate(arms.shows().begin(), arms.shows().end(), 0.0) == 0.0);
    feedback.merge_into(arms);
    CHECK(feedback.waiting() == 0);
    feedback.merge_into(arms);  // nothing twice
    CHECK(std::accumulate(arms.shows().begin(), arms.shows().end(), 0.0) == 1600.0);
    return std::vector<double>(arms.successes().begin(), arms.successes().end());
  };
  const std::vector<double> expected = filled(1, false);
  CHECK(filled(1, true) == expected);
  CHECK(filled(4, false) == expected);
}

TEST_CASE("arms, priors and scores refuse what makes no sense", "[policy][bandit]") {
  CHECK_THROWS_AS(BetaArms({kNotANumber, 1.0}), InputError);
  CHECK_THROWS_AS(BetaArms({1.0, 0.0}), InputError);
  CHECK_THROWS_AS(BetaArms({std::numeric_limits<double>::infinity(), 1.0}), InputError);
  BetaArms arms;
  arms.add(2);
  const ArmIds unknown = {0, 2}, known = {0, 1}, none;
  std::vector<double> scores(2);
  CHECK_THROWS_AS(arms.update(unknown, std::vector<float>{1.0F, 1.0F}), InputError);
  CHECK_THROWS_AS(arms.update(known, std::vector<float>{1.0F}), InputError);
  CHECK_THROWS_AS(arms.update(known, std::vector<float>{1.0F, 1.5F}), InputError);
  CHECK_THROWS_AS(arms.update(known, std::vector<float>{1.0F, std::numeric_limits<float>::quiet_NaN()}), InputError);
  CHECK(arms.shows()[0] == 0.0);  // nothing of a refused batch is counted
  CHECK_THROWS_AS(arms.retire(unknown), InputError);
  CHECK_THROWS_AS(arms.decay(1.5), InputError);
  CHECK_THROWS_AS(arms.decay(kNotANumber), InputError);
  CHECK_THROWS_AS(arms.add(1, {kNotANumber, 1.0}), InputError);
  CHECK_THROWS_AS(score_means(arms, unknown, scores), InputError);
  CHECK_THROWS_AS(score_means(arms, none, {}), InputError);
  CHECK_THROWS_AS(score_means(arms, known, std::span(scores).first(1)), InputError);
  CHECK_THROWS_AS(score_ucb1(arms, known, 0.5, 1.0, scores), InputError);
  CHECK_THROWS_AS(score_bayes_ucb(arms, known, kNotANumber, scores), InputError);
  CHECK_THROWS_AS(score_bayes_quantile(arms, known, 1.0, scores), InputError);
  CHECK_THROWS_AS(DelayedFeedback(0), InputError);
}

TEST_CASE("scores are their formulas", "[policy][bandit]") {
  BetaArms arms({2.0, 3.0});
  arms.add(3);
  show_arm(arms, 0, 3, 4);
  show_arm(arms, 1, 10, 40);
  const ArmIds list = {1, 2, 0};
  std::vector<double> scores(3);
  score_means(arms, list, scores);
  CHECK(scores[0] == Approx(12.0 / 45.0));
  CHECK(scores[1] == Approx(0.4));
  CHECK(scores[2] == Approx(5.0 / 9.0));
  score_rates(arms, list, -1.0, scores);
  CHECK(scores == std::vector<double>{0.25, -1.0, 0.75});
  score_ucb1(arms, list, 44.0, 1.0, scores);
  CHECK(scores[0] == Approx(0.25 + std::sqrt(2.0 * std::log(44.0) / 40.0)));
  CHECK(std::isinf(scores[1]));
  score_bayes_ucb(arms, list, 1.64, scores);
  CHECK(scores[2] == Approx(5.0 / 9.0 + 1.64 * std::sqrt(5.0 / 9.0 * 4.0 / 9.0 / 10.0)));
  score_bayes_quantile(arms, list, 0.9, scores);
  CHECK(beta_cdf(12.0, 33.0, scores[0]) == Approx(0.9));
  CHECK(beta_cdf(2.0, 3.0, scores[1]) == Approx(0.9));
  list_shows(arms, list, scores);
  CHECK(scores == std::vector<double>{40.0, 0.0, 4.0});
  list_deviations(arms, list, scores);
  CHECK(scores[1] == Approx(BetaPrior{2.0, 3.0}.deviation()));
}

TEST_CASE("Thompson draws have the posterior's law, and an arm's draw is its own", "[policy][bandit]") {
  BetaArms arms({4.62, 8.46});
  arms.add(2);
  show_arm(arms, 1, 30, 50);
  const ArmIds both = {0, 1}, one = {1};
  std::vector<double> scores(2), alone(1);
  double sum = 0.0, squares = 0.0;
  constexpr int kTimes = 20'000;
  for (int i = 0; i < kTimes; ++i) {
    const RandomKey key = split(make_key(3), static_cast<std::uint64_t>(i));
    score_thompson(arms, both, key, scores);
    score_thompson(arms, one, key, alone);
    REQUIRE(alone[0] == scores[1]);
    sum += scores[1], squares += scores[1] * scores[1];
  }
  const double mean = sum / kTimes, deviation = std::sqrt(squares / kTimes - mean * mean);
  CHECK(std::abs(mean - arms.mean(1)) < 4.0 * arms.deviation(1) / std::sqrt(1.0 * kTimes));
  CHECK(deviation == Approx(arms.deviation(1)).epsilon(4.0 / std::sqrt(2.0 * kTimes)));
}

TEST_CASE("a slate holds the best places once each, and ties follow the key", "[policy][bandit]") {
  SlateRoom room;
  std::vector<std::uint32_t> slate(3);
  const std::vector<double> scores = {0.1, 0.9, 0.5, 0.9, std::numeric_limits<double>::infinity()};
  CHECK(best_slate(scores, {}, room, slate) == 3);
  CHECK(slate == std::vector<std::uint32_t>{4, 1, 3});
  std::vector<std::uint32_t> all(9);
  CHECK(best_slate(scores, {}, room, all) == 5);
  CHECK(std::vector<std::uint32_t>(all.begin(), all.begin() + 5) == std::vector<std::uint32_t>{4, 1, 3, 2, 0});
  // Of 40 equals every one comes first equally often, and a key always says the same.
  const std::vector<double> equal(40, 0.3);
  std::vector<int> first(40);
  for (std::uint64_t seed = 0; seed < 8000; ++seed) {
    best_slate(equal, make_key(seed), room, slate);
    const std::vector<std::uint32_t> before = slate;
    best_slate(equal, make_key(seed), room, slate);
    REQUIRE(slate == before);
    ++first[slate[0]];
  }
  double chi = 0.0;
  for (const int count : first) chi += (count - 200.0) * (count - 200.0) / 200.0;
  CHECK(chi < 39.0 + 4.0 * std::sqrt(2.0 * 39.0));
  CHECK_THROWS_AS(best_slate({}, {}, room, slate), InputError);
  CHECK_THROWS_AS(best_slate(scores, {}, room, {}), InputError);
  const std::vector<double> bad = {0.1, kNotANumber};
  CHECK_THROWS_AS(best_slate(bad, {}, room, slate), InputError);
}

TEST_CASE("epsilon-greedy explores as often as it says, and never shows a place twice", "[policy][bandit]") {
  std::vector<double> scores(20);
  std::iota(scores.begin(), scores.end(), 0.0);  // the best is the last
  SlateRoom room;
  std::vector<std::uint32_t> one(1), ten(10);
  std::vector<int> chosen(20);
  constexpr int kTimes = 40'000;
  int best_kept = 0;
  for (std::uint64_t i = 0; i < kTimes; ++i) {
    const RandomKey key = split(make_key(11), i);
    epsilon_slate(scores, 0.3, EpsilonShare::kDrawn, key, room, one);
    ++chosen[one[0]];
    if (i >= 2000) continue;
    epsilon_slate(scores, 0.2, EpsilonShare::kFixed, key, room, ten);
    REQUIRE(std::set<std::uint32_t>(ten.begin(), ten.end()).size() == 10);
    for (std::uint32_t slot = 0; slot < 8; ++slot) best_kept += ten[slot] == 19 - slot;
  }
  CHECK(best_kept == 16'000);
  for (std::size_t arm = 0; arm < 20; ++arm) {
    const double p = 0.3 / 20.0 + (arm == 19 ? 0.7 : 0.0);
    CHECK(std::abs(chosen[arm] - kTimes * p) < 4.5 * std::sqrt(kTimes * p * (1.0 - p)));
  }
  std::vector<std::uint32_t> all(20);
  CHECK(epsilon_slate(scores, 1.0, EpsilonShare::kDrawn, make_key(1), room, all) == 20);
  CHECK(std::set<std::uint32_t>(all.begin(), all.end()).size() == 20);
  CHECK_THROWS_AS(epsilon_slate(scores, 1.1, EpsilonShare::kDrawn, make_key(1), room, all), InputError);
  CHECK_THROWS_AS(epsilon_slate(scores, 0.1, EpsilonShare::kDrawn, make_key(1), room, {}), InputError);
}

TEST_CASE("a prior is found again from rows that it made", "[policy][bandit]") {
  for (const BetaPrior& prior : {BetaPrior{4.62, 8.46}, {0.6, 2.5}, {30.0, 20.0}}) {
    CAPTURE(prior.alpha, prior.beta);
    const CountRows rows = beta_binomial_rows(prior, 20'000, 77);
    const BetaPrior likely = fit_beta_likelihood(rows.successes, rows.shows);
    const BetaPrior moments = fit_beta_moments(rows.successes, rows.shows);
    for (const BetaPrior& fitted : {likely, moments}) {
      CHECK(fitted.mean() == Approx(prior.mean()).margin(4.0 * 0.5 / std::sqrt(20'000.0)));
      CHECK(fitted.deviation() == Approx(prior.deviation()).epsilon(0.04));
    }
    // No neighbour is likelier.
    const double reached = beta_binomial_log_likelihood(likely, rows.successes, rows.shows);
    for (const double a : {0.99, 1.0, 1.01})
      for (const double b : {0.99, 1.0, 1.01})
        CHECK(beta_binomial_log_likelihood({a * likely.alpha, b * likely.beta}, rows.successes, rows.shows) <=
              reached + 1e-9);
    CHECK(beta_binomial_log_likelihood(moments, rows.successes, rows.shows) <= reached + 1e-9);
  }
}

TEST_CASE("the likelihood of a prior is the beta-binomial's", "[policy][bandit]") {
  // Under Beta(1, 1) each sequence with s successes of n has probability s! (n - s)! / (n + 1)!.
  const std::vector<double> successes = {2.0, 0.0}, shows = {3.0, 1.0};
  CHECK(beta_binomial_log_likelihood({1.0, 1.0}, successes, shows) == Approx(std::log(2.0 / 24.0) + std::log(0.5)));
}

TEST_CASE("rows that no prior fits are refused, and rows that vary no more than chance end at the bound",
          "[policy][bandit]") {
  const std::vector<double> shows = {10.0, 20.0, 30.0}, half = {5.0, 10.0, 15.0}, zeros = {0.0, 0.0, 0.0};
  const BetaPrior sure = fit_beta_likelihood(half, shows);
  CHECK(sure.mean() == Approx(0.5));
  CHECK(sure.alpha + sure.beta > 1e4);
  CHECK(sure.alpha + sure.beta <= 1e6 * (1 + 1e-9));
  CHECK(fit_beta_moments(half, shows).alpha + fit_beta_moments(half, shows).beta == Approx(1e6));
  CHECK_THROWS_AS(fit_beta_likelihood(zeros, shows), InputError);
  CHECK_THROWS_AS(fit_beta_likelihood(shows, shows), InputError);
  CHECK_THROWS_AS(fit_beta_likelihood(zeros, zeros), InputError);
  CHECK_THROWS_AS(fit_beta_likelihood({}, {}), InputError);
  CHECK_THROWS_AS(fit_beta_likelihood(std::vector<double>{1.0, kNotANumber}, std::vector<double>{2.0, 2.0}),
                  InputError);
  CHECK_THROWS_AS(fit_beta_moments(std::vector<double>{3.0, 1.0}, std::vector<double>{2.0, 2.0}), InputError);
  CHECK_THROWS_AS(fit_beta_moments(std::vector<double>{-1.0, 1.0}, std::vector<double>{2.0, 2.0}), InputError);
}

TEST_CASE("the slice's rates of long views are Beta(4.62, 8.46) by moments", "[policy][bandit]") {
  const char* folder = std::getenv("SWIPEGYM_DATA");
  if (folder == nullptr) {
    WARN("skipped: SWIPEGYM_DATA names no KuaiRand folder");
    return;
  }
  const LoadedDataset loaded = load_dataset(folder, {.random = false});
  if (loaded.report.rows_read != 198'895 + 1'063) {  // the figures are those of the slice
    WARN("skipped: SWIPEGYM_DATA is not the slice");
    return;
  }
  std::map<std::uint32_t, std::pair<double, double>> counts;  // of a video: successes, shows
  const Log& log = loaded.data.log;
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.tab[row] != 1) continue;
    auto& [successes, shows] = counts[index_of(log.video[row])];
    successes += has(log.signals[row], Signal::kLongView), shows += 1.0;
  }
  CountRows rows;
  for (const auto& [video, count] : counts)
    if (count.second >= 10.0) rows.successes.push_back(count.first), rows.shows.push_back(count.second);
  CHECK(rows.shows.size() == 2306);
  const BetaPrior fitted = fit_beta_likelihood(rows.successes, rows.shows);
  const BetaPrior moments = fit_beta_moments(rows.successes, rows.shows);
  CAPTURE(fitted.alpha, fitted.beta, moments.alpha, moments.beta);
  // Videos shown more often are watched longer, so that moments weighted by shows and the likelihood differ.
  CHECK(moments.alpha == Approx(4.62).margin(0.01));
  CHECK(moments.beta == Approx(8.46).margin(0.01));
  CHECK(moments.deviation() == Approx(0.127).margin(0.0005));
  CHECK(fitted.alpha == Approx(3.79299).margin(1e-4));  // scipy's Nelder-Mead over betaln
  CHECK(fitted.beta == Approx(7.39680).margin(1e-4));
}

TEST_CASE("counts of all arms can be set at once, and none that no log could hold", "[policy][bandit]") {
  BetaArms arms(BetaPrior{2.0, 3.0});
  arms.add(2);
  arms.set_counts(std::vector<double>{4.0, 0.5}, std::vector<double>{10.0, 1.0});
  CHECK(arms.mean(0) == Approx(6.0 / 15.0));
  CHECK(arms.mean(1) == Approx(2.5 / 6.0));
  CHECK_THROWS_AS(arms.set_counts(std::vector<double>{1.0}, std::vector<double>{1.0}), InputError);
  CHECK_THROWS_AS(arms.set_counts(std::vector<double>{2.0, 0.0}, std::vector<double>{1.0, 1.0}), InputError);
  CHECK_THROWS_AS(arms.set_counts(std::vector<double>{0.0, std::nan("")}, std::vector<double>{1.0, 1.0}), InputError);
  CHECK(arms.shows()[0] == 10.0);
}

}  // namespace swipegym
