#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.h"
#include "env/tabular/tabular_mdp.h"
#include "tests/env/random_world.h"

namespace swipegym {
namespace {

// State 0 may stop for 1, go to state 1 for nothing, or stay for 1; state 1 pays 3 and is over, whatever is done.
TabularMdp three_choices(double discount) {
  TabularMdp mdp{.states = 2, .actions = 3, .discount = discount, .branches = 1};
  mdp.outcome = {{1.0, -1, 1.0}, {1.0, 1, 0.0}, {1.0, 0, 1.0}, {1.0, -1, 3.0}, {1.0, -1, 3.0}, {1.0, -1, 3.0}};
  mdp.start = {1.0, 0.0};
  tabulate(mdp);
  return mdp;
}

TEST_CASE("value iteration solves what can be solved by hand", "[env]") {
  // Discount 1/2: staying for ever is worth 1 + 1/2 + 1/4 + ... = 2, more than going (1.5) and stopping (1).
  const TabularMdp patient = three_choices(0.5);
  const SolvedMdp solved = iterate_values(patient);
  const double expected[] = {1.0, 1.5, 2.0, 3.0, 3.0, 3.0};
  for (std::size_t pair = 0; pair < 6; ++pair) CHECK(solved.q[pair] == Approx(expected[pair]).margin(1e-9));
  CHECK(greedy_actions(patient, solved.q) == std::vector<std::int32_t>{2, 0});
  CHECK(start_value(patient, evaluate_actions(patient, std::vector<std::int32_t>{2, 0})) == Approx(2.0));
  // Discount 0: stopping and staying both pay 1; the lower action wins.
  const TabularMdp greedy = three_choices(0.0);
  CHECK(greedy_actions(greedy, iterate_values(greedy).q) == std::vector<std::int32_t>{0, 0});
}

TEST_CASE("the greedy policy's linear system has the value that iteration found, and no policy has more", "[env]") {
  const TabularMdp mdp = make_mdp(testing::random_world(3), 0.9);
  const SolvedMdp solved = iterate_values(mdp, 1e-9);
  CHECK(solved.bound <= 1e-9);
  const std::vector<std::int32_t> best = greedy_actions(mdp, solved.q);
  const std::vector<double> values = evaluate_actions(mdp, best);
  for (std::size_t s = 0; s < mdp.states; ++s)
    CHECK(std::abs(values[s] - solved.q[s * mdp.actions + static_cast<std::size_t>(best[s])]) < 2e-9);

  RandomStream random(make_key(4));
  double nearest = 0.0;
  for (int trial = 0; trial < 50; ++trial) {  // the best policy with one state's action changed, or all of them
    std::vector<std::int32_t> actions = best;
    for (std::size_t s = trial % 2 == 0 ? random.below(static_cast<std::uint32_t>(mdp.states)) : 0; s < mdp.states;
         ++s) {
      actions[s] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(mdp.actions)));
      if (trial % 2 == 0) break;
    }
    const std::vector<double> other = evaluate_actions(mdp, actions);
    for (std::size_t s = 0; s < mdp.states; ++s) CHECK(other[s] <= values[s] + 1e-9);
    nearest = std::max(nearest, start_value(mdp, other));
  }
  CHECK(nearest > 0.5 * start_value(mdp, values));  // they were policies, not nonsense
}

TEST_CASE("a decision process that makes no sense is refused", "[env]") {
  TabularMdp mdp = three_choices(0.5);
  mdp.outcome[1].probability = 0.9;
  CHECK_THROWS_WITH(tabulate(mdp), Catch::Contains("state 0, action 1") && Catch::Contains("0.9"));
  mdp = three_choices(0.5);
  mdp.outcome[5].next = 2;
  CHECK_THROWS_WITH(tabulate(mdp), Catch::Contains("state 1, action 2"));
  mdp = three_choices(0.5);
  mdp.discount = 1.0;
  CHECK_THROWS_WITH(tabulate(mdp), Catch::Contains("discount is 1"));
}

}  // namespace
}  // namespace swipegym
