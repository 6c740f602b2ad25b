#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "agents/tabular/tabular_q_learning.h"
#include "tests/env/random_world.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

ReductionConfig small_shape() {
  return {.user_groups = 1, .duration_groups = 2, .appeal_groups = 1};
}

TEST_CASE("tabular Q-learning comes to Q*, and its error falls as the root of the sweeps", "[agents]") {
  const TabularMdp mdp = make_mdp(testing::random_world(3, small_shape()), 0.9);
  const SolvedMdp solved = iterate_values(mdp);
  const auto [least, most] = std::minmax_element(solved.q.begin(), solved.q.end());
  const TabularQLearning settings{.sweeps = testing::kSanitized ? 1000 : 600'000};
  // Mean error over seeds; the slope of its logarithm over the last decade, by least squares.
  std::vector<double> error;
  std::vector<std::int64_t> sweeps;
  constexpr int kSeeds = 20;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const LearnedTable learned = learn_tabular_q(mdp, solved.q, settings, seed);
    error.resize(learned.curve.size(), 0.0);
    sweeps.resize(learned.curve.size());
    for (std::size_t i = 0; i < error.size(); ++i)
      error[i] += learned.curve[i].error / kSeeds, sweeps[i] = learned.curve[i].sweeps;
    CHECK(sweeps.back() == settings.sweeps);
  }
  if (testing::skips_quality()) return;
  double n = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
  for (std::size_t i = 0; i < error.size(); ++i) {
    if (10 * sweeps[i] < settings.sweeps) continue;
    const double u = std::log(static_cast<double>(sweeps[i])), v = std::log(error[i]);
    n += 1.0, x += u, y += v, xx += u * u, xy += u * v;
  }
  const double slope = (n * xy - x * y) / (n * xx - x * x);
  CAPTURE(slope, error.back(), *most - *least);
  CHECK(n >= 10.0);
  CHECK(slope > -0.6);
  CHECK(slope < -0.4);
  CHECK(error.back() < 0.01 * (*most - *least));
}

TEST_CASE("the maximum of noisy values promises too much, and double Q-learning does not", "[agents]") {
  // One state, ten actions that all pay -1 or 1 with the same chance and end it: V* = 0, and the largest of ten means
  // of n draws lies about 1.54 / sqrt(n) above it (the mean of the largest of ten normal draws is 1.54).
  TabularMdp mdp{.states = 1, .actions = 10, .discount = 0.0, .branches = 2};
  for (int action = 0; action < 10; ++action) mdp.outcome.insert(mdp.outcome.end(), {{0.5, -1, -1.0}, {0.5, -1, 1.0}});
  mdp.start = {1.0};
  tabulate(mdp);
  const std::vector<double> optimal(10, 0.0);
  // With discount 0 the n-th step is 1 / (1 + n): after n sweeps Q is the sum of the draws over n + 1.
  const int sweeps = 100, seeds = 400;
  double single = 0.0, twice = 0.0;
  for (int seed = 0; seed < seeds; ++seed) {
    const auto key = static_cast<std::uint64_t>(seed);
    single += learn_tabular_q(mdp, optimal, {.sweeps = sweeps}, key).curve.back().bias / seeds;
    twice += learn_tabular_q(mdp, optimal, {.sweeps = sweeps, .double_q = true}, key).curve.back().bias / seeds;
  }
  // Standard errors over 400 seeds: .59 / 10 / 20 = .003 for the maximum, 1 / sqrt(50) / 20 = .007 for the other.
  CHECK(single == Approx(1.54 / 10.0).margin(0.015));
  CHECK(twice == Approx(0.0).margin(0.03));
}

TEST_CASE("a table follows from its seed alone", "[agents]") {
  const TabularMdp mdp = make_mdp(testing::random_world(3, small_shape()), 0.5);
  const SolvedMdp solved = iterate_values(mdp);
  const TabularQLearning settings{.sweeps = 100};
  CHECK(learn_tabular_q(mdp, solved.q, settings, 1).q == learn_tabular_q(mdp, solved.q, settings, 1).q);
  CHECK(learn_tabular_q(mdp, solved.q, settings, 1).q != learn_tabular_q(mdp, solved.q, settings, 2).q);
}

}  // namespace
}  // namespace swipegym
