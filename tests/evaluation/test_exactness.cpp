#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "evaluation/studies/exactness.h"
#include "tests/env/random_world.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

double share_of_optimum(const TabularMdp& mdp, const SolvedMdp& solved, std::span<const double> chosen) {
  return start_value(mdp, evaluate_policy(mdp, chosen)) /
         start_value(mdp, evaluate_actions(mdp, greedy_actions(mdp, solved.q)));
}

std::vector<double> as_choices(const TabularMdp& mdp, const std::vector<std::int32_t>& actions) {
  std::vector<double> chosen(mdp.pairs(), 0.0);
  for (std::size_t s = 0; s < mdp.states; ++s) chosen[s * mdp.actions + static_cast<std::size_t>(actions[s])] = 1.0;
  return chosen;
}

TEST_CASE("a DQN attains the exact optimum where the best next reward does not", "[evaluation]") {
  const TabularWorld world = testing::random_world(123, {.user_groups = 2, .duration_groups = 2, .appeal_groups = 1});
  const TabularMdp mdp = make_mdp(world, 0.9);
  const SolvedMdp solved = iterate_values(mdp);
  TabularMdp myopic = mdp;
  myopic.discount = 0.0;
  const auto greedy = as_choices(mdp, greedy_actions(mdp, iterate_values(myopic).q));
  CHECK(share_of_optimum(mdp, solved, greedy) < 0.7);

  DqnConfig config = reduced_world_dqn();
  config.world.source = "random";
  config.world.candidates = world.kinds;
  config.num_envs = 64;
  config.world.max_steps = 50;
  config.env_steps = testing::kSanitized ? 5'000 : 60'000;
  config.round_steps = config.env_steps;
  config.learning_starts = 1'000;
  config.steps_per_update = 8;
  config.batch = 128;
  config.target_every = 50;
  const TabularSimulator tabular = make_tabular_simulator(world, 50);
  const auto policy = train_reduced_dqn(tabular, config, 3, 1);
  const auto chosen = choices_in_states(*policy, tabular, config.world.history_length, solved.q, 20'000, 1);
  for (std::size_t s = 0; s < mdp.states; ++s) CHECK(chosen[2 * s] + chosen[2 * s + 1] == Approx(1.0));
  if (testing::skips_quality()) return;
  const double share = share_of_optimum(mdp, solved, chosen);
  CHECK(share > 0.99);
  CHECK(share <= 1.0 + 1e-9);
}

TEST_CASE("the slope of curves that fall as the root is -1/2, with an interval that their noise asks for",
          "[evaluation]") {
  std::vector<std::vector<TabularQPoint>> exact(4), noisy(20);
  RandomStream random(make_key(3));
  for (std::int64_t n = 10; n <= 10'000; n = n * 5 / 4) {
    // A steeper beginning, which the last decade leaves out.
    const double error = 8.0 / std::sqrt(static_cast<double>(n)) + (n < 500 ? 1e3 / static_cast<double>(n * n) : 0.0);
    for (auto& curve : exact) curve.push_back({.sweeps = n, .error = error});
    for (auto& curve : noisy) curve.push_back({.sweeps = n, .error = error * (0.7 + 0.6 * random.uniform_double())});
  }
  const QLearningRuns one = summarise(exact, make_key(1)), many = summarise(noisy, make_key(1));
  CHECK(one.slope.mean == Approx(-0.5).margin(1e-9));
  CHECK(one.slope.high - one.slope.low < 1e-9);
  CHECK(one.final_error.mean == Approx(one.worst_final));
  CHECK(many.slope.low < -0.5);
  CHECK(many.slope.high > -0.5);
  CHECK(many.slope.high - many.slope.low < 0.15);
  CHECK(many.worst_final > many.final_error.high);
}

TEST_CASE("the whole measurement holds together on a world that is known", "[evaluation]") {
  ExactnessConfig config;
  config.reduction = {.user_groups = 2, .duration_groups = 2, .appeal_groups = 1};
  config.reduction.plays = testing::kSanitized ? 5'000 : 50'000;
  config.sweeps = 3'000;
  config.dqn.env_steps = 2'000;
  config.dqn.learning_starts = 500, config.dqn.steps_per_update = 64, config.dqn.replay_capacity = 2'000;
  const TabularWorld world = testing::random_world(123, config.reduction);
  const auto simulator = make_tabular_simulator(world, 100).simulator;
  const Exactness exact = measure_exactness(simulator, config, {.q_seeds = 3, .dqn_seeds = 1, .threads = 1});
  const Exactness same = measure_exactness(simulator, config, {.q_seeds = 3, .dqn_seeds = 1, .threads = 2});
  REQUIRE(exact.policies.size() == 4);
  for (const ExactValue& policy : exact.policies) CHECK(policy.value <= exact.policies[0].value + 1e-9);
  CHECK(exact.policies[3].value < exact.policies[0].value);
  CHECK(exact.dqn[0].value <= exact.policies[0].value + 1e-9);
  CHECK(exact.single.curves.size() == 3);
  CHECK(exact.single.final_error.mean < 0.2 * exact.value_range);
  CHECK(exact.value_range > 1.0);
  CHECK(same.single.final_error.mean == exact.single.final_error.mean);
  CHECK(same.dqn[0].value == exact.dqn[0].value);
  // Single learning believes the luckiest of its estimates, double learning does not.
  CHECK(exact.single.curves[0][20].bias > exact.twice.curves[0][20].bias);

  config.discount = 1.0;
  CHECK_THROWS_WITH(check(config), Catch::Contains("discount"));
}

}  // namespace
}  // namespace swipegym
