#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "env/tabular/tabular_simulator.h"
#include "env/vector_env.h"
#include "tests/env/random_world.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

constexpr int kSteps = 40;  // a session is cut after so many

VectorEnv open_world(const TabularSimulator& tabular, std::size_t envs) {
  VectorEnv env(tabular.simulator, tabular.candidates,
                {.num_envs = envs, .threads = 1, .history_length = 1, .max_steps = kSteps});
  std::vector<std::uint64_t> seeds(envs);
  std::iota(seeds.begin(), seeds.end(), 100);
  env.reset(seeds);
  return env;
}

TEST_CASE("sessions of a tabular simulator have the transitions and rewards of its decision process", "[env]") {
  const TabularWorld world = testing::random_world(5, {.user_groups = 2, .duration_groups = 2, .appeal_groups = 1});
  const TabularMdp mdp = make_mdp(world, 0.9);
  const TabularSimulator tabular = make_tabular_simulator(world, kSteps);
  const std::size_t envs = 256, steps = testing::kSanitized ? 200 : 2000;
  VectorEnv env = open_world(tabular, envs);
  std::vector<double> went(mdp.pairs() * (mdp.states + 1), 0.0), starts(mdp.states, 0.0);
  std::vector<std::size_t> state(envs);
  std::vector<std::int32_t> actions(envs);
  RandomStream random(make_key(6));
  for (std::size_t step = 0; step < steps; ++step) {
    const ObservationView seen = env.observation();
    for (std::size_t i = 0; i < envs; ++i) {
      state[i] = tabular.state(seen, i);
      starts[state[i]] += seen.history_video[i] < 0;
      actions[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(world.kinds)));
    }
    const StepView& view = env.step(actions);
    for (std::size_t i = 0; i < envs; ++i) {
      if (view.autoreset[i]) {
        starts[state[i]] -= seen.history_video[i] < 0;
        continue;
      }
      for (std::size_t slot = 0; slot < world.kinds; ++slot)
        if (!view.terminated[i] && !view.truncated[i] && view.observation.mask[i * world.kinds + slot] == 0)
          FAIL("a kind is no longer on offer");
      const std::size_t next = view.terminated[i] ? mdp.states : tabular.state(view.observation, i);
      ++went[(state[i] * mdp.actions + static_cast<std::size_t>(actions[i])) * (mdp.states + 1) + next];
      if (view.terminated[i]) continue;
      const std::size_t kind = static_cast<std::size_t>(actions[i]),
                        level = (next - 1) % world.states_a_group() % world.levels;
      if (view.reward[i] != static_cast<float>(world.play_ms[kind * world.levels + level]) / 1000.0F)
        FAIL("a reward that the level does not have");
    }
  }
  // Pearson's chi-square over all pairs; the statistic's mean is its degrees of freedom and its variance twice that.
  double chi = 0.0, freedom = 0.0;
  for (std::size_t pair = 0; pair < mdp.pairs(); ++pair) {
    const double* seen = &went[pair * (mdp.states + 1)];
    const double total = std::accumulate(seen, seen + mdp.states + 1, 0.0);
    if (!testing::kSanitized) CHECK(total > 500.0);
    double over = 1.0;
    for (std::size_t next = 0; next <= mdp.states; ++next) {
      const double p = next < mdp.states ? mdp.transition[pair * mdp.states + next] : over;
      over -= p;
      if (p < 1e-9) {
        CHECK(seen[next] == 0.0);
        continue;
      }
      chi += (seen[next] - total * p) * (seen[next] - total * p) / (total * p);
      freedom += 1.0;
    }
    freedom -= 1.0;
  }
  CAPTURE(chi, freedom);
  CHECK(std::abs(chi - freedom) < 4.0 * std::sqrt(2.0 * freedom));
  const double begun = starts[world.first_state(0)] + starts[world.first_state(1)];
  CHECK(starts[world.first_state(0)] / begun ==
        Approx(mdp.start[world.first_state(0)]).margin(testing::kSanitized ? 0.1 : 0.02));
}

TEST_CASE("what a policy earns in sessions is what its linear system says", "[env]") {
  const TabularWorld world = testing::random_world(7);
  const TabularMdp mdp = make_mdp(world, 0.7);
  const TabularSimulator tabular = make_tabular_simulator(world, kSteps);
  std::vector<std::int32_t> policy(mdp.states);
  RandomStream random(make_key(8));
  for (std::int32_t& action : policy)
    action = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(mdp.actions)));

  const std::size_t envs = testing::kSanitized ? 500 : 20'000;
  VectorEnv env = open_world(tabular, envs);
  std::vector<double> earned(envs, 0.0);
  std::vector<std::uint8_t> over(envs, 0);
  std::vector<std::int32_t> actions(envs);
  double weight = 1.0;
  for (int step = 0; step < kSteps; ++step, weight *= mdp.discount) {
    for (std::size_t i = 0; i < envs; ++i) actions[i] = policy[tabular.state(env.observation(), i)];
    const StepView& view = env.step(actions);
    for (std::size_t i = 0; i < envs; ++i) {
      if (!over[i]) earned[i] += weight * static_cast<double>(view.reward[i]);
      over[i] |= view.terminated[i];
    }
  }
  const double n = static_cast<double>(envs), mean = std::accumulate(earned.begin(), earned.end(), 0.0) / n;
  double squares = 0.0;
  for (const double one : earned) squares += (one - mean) * (one - mean);
  const double exact = start_value(mdp, evaluate_actions(mdp, policy));
  CHECK(std::abs(mean - exact) < 4.0 * std::sqrt(squares / (n * n)));
}

TEST_CASE("reducing the simulator of a tabular world gives the world back", "[env]") {
  ReductionConfig config{.user_groups = 2, .duration_groups = 2, .appeal_groups = 2};
  config.plays = testing::kSanitized ? 20'000 : 600'000;
  config.max_steps = kSteps;
  const TabularWorld world = testing::random_world(9, config);
  const Reduction reduction = reduce_simulator(make_tabular_simulator(world, kSteps).simulator, config, 11, 1);
  const TabularWorld& found = reduction.world;
  REQUIRE(found.states() == world.states());
  CHECK(found.group_starts == world.group_starts);
  for (std::size_t kind = 0; kind < world.kinds; ++kind)  // but for float rounding of ratios and seconds
    CHECK(std::abs(found.duration_ms[kind] - world.duration_ms[kind]) <= 2);
  for (std::size_t at = 0; at < world.play_ms.size(); ++at) CHECK(std::abs(found.play_ms[at] - world.play_ms[at]) <= 2);
  CHECK(reduction.tabulated_s == Approx(reduction.simulated_s).epsilon(testing::kSanitized ? 0.05 : 0.002));
  for (std::size_t i = 0; i < found.user_features.size(); ++i)
    CHECK(found.user_features[i] == Approx(world.user_features[i]).margin(1e-6));
  if (testing::skips_quality()) return;
  // Every probability within 5 standard deviations of so many draws; one that took another's place would be far off.
  double level_error = 0.0, leave_error = 0.0;
  for (std::size_t at = 0; at < world.level_probability.size(); ++at) {
    level_error = std::max(level_error, std::abs(found.level_probability[at] - world.level_probability[at]));
    leave_error = std::max(leave_error, std::abs(found.leave_probability[at] - world.leave_probability[at]));
  }
  CAPTURE(reduction.fewest_plays);
  CHECK(level_error < 5.0 * std::sqrt(0.25 / static_cast<double>(reduction.fewest_plays)));
  CHECK(leave_error < 0.1);
}

TEST_CASE("a reduction that cannot be is refused", "[env]") {
  ReductionConfig config;
  config.level_edges = {0.8F, 0.25F};
  CHECK_THROWS_WITH(check(config), Catch::Contains("level_edges") && Catch::Contains("0.8,0.25"));
  config = {.user_groups = 5};
  const TabularWorld world = testing::random_world(9, {.user_groups = 2});
  CHECK_THROWS_WITH(reduce_simulator(make_tabular_simulator(world, 10).simulator, config, 1, 1),
                    Catch::Contains("user_groups"));
}

}  // namespace
}  // namespace swipegym
