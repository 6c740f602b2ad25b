#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <vector>

#include "policy/stages/request_dice.h"

namespace swipegym {
namespace {

// Picks one of three, and where that is the last one, one of two.
std::int32_t pick_twice(RequestDice& dice) {
  const std::size_t first = dice.pick(Chance::kFlow, std::array{1.0, 2.0, 5.0});
  if (first < 2) return static_cast<std::int32_t>(first);
  return 2 + static_cast<std::int32_t>(dice.pick(Chance::kBringBack, std::array{0.0, 3.0, 1.0}));
}

std::map<std::int32_t, double> sums(const Outcomes& outcomes) {
  std::map<std::int32_t, double> out;
  for (const auto& [result, probability] : outcomes.all) out[result] += probability;
  return out;
}

TEST_CASE("every outcome of dice is seen once, with its probability", "[policy][stages]") {
  const Outcomes outcomes = outcomes_of(RequestDice(make_key(1)), make_key(1), 100, 10, pick_twice);
  CHECK(outcomes.exact);
  REQUIRE(outcomes.all.size() == 4);
  const auto sum = sums(outcomes);
  CHECK(sum.at(0) == Approx(1.0 / 8));
  CHECK(sum.at(1) == Approx(2.0 / 8));
  CHECK(sum.at(3) == Approx(5.0 / 8 * 3.0 / 4));
  CHECK(sum.at(4) == Approx(5.0 / 8 * 1.0 / 4));
}

TEST_CASE("what dice throw agrees with the sum over their outcomes", "[policy][stages]") {
  constexpr int kThrows = 100'000;
  std::map<std::int32_t, int> counts;
  for (int i = 0; i < kThrows; ++i) {
    RequestDice dice(split(make_key(3), static_cast<std::uint64_t>(i)));
    ++counts[pick_twice(dice)];
  }
  double chi_square = 0.0;
  for (const auto& [result, probability] :
       sums(outcomes_of(RequestDice(make_key(1)), make_key(1), 100, 10, pick_twice)))
    chi_square += std::pow(counts[result] - kThrows * probability, 2) / (kThrows * probability);
  CHECK(chi_square < 16.3);  // 3 degrees of freedom, p = .001
  CHECK(counts.size() == 4);
}

TEST_CASE("what has no few outcomes is drawn, and so are more outcomes than wanted", "[policy][stages]") {
  const auto continuous = [](RequestDice& dice) { return dice.stream(Chance::kThompson).uniform() < 0.25F ? 1 : 0; };
  const Outcomes drawn = outcomes_of(RequestDice(make_key(2)), make_key(2), 100, 4'000, continuous);
  CHECK_FALSE(drawn.exact);
  CHECK(drawn.all.size() == 4'000);
  CHECK(sums(drawn).at(1) == Approx(0.25).margin(0.03));

  const Outcomes many = outcomes_of(RequestDice(make_key(2)), make_key(2), 3, 500, pick_twice);
  CHECK_FALSE(many.exact);
  CHECK(many.all.size() == 500);
}

TEST_CASE("a frozen chance comes out as its key has it, whatever else is drawn", "[policy][stages]") {
  RequestDice thrown(make_key(9));
  const std::size_t flow = thrown.pick(Chance::kFlow, std::array{1.0, 1.0, 1.0, 1.0});
  const float query = RequestDice(make_key(9)).stream(Chance::kQuery).uniform();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RequestDice dice(make_key(100 + seed));
    dice.freeze(Chance::kFlow, make_key(9));
    dice.freeze(Chance::kQuery, make_key(9));
    CHECK(dice.pick(Chance::kFlow, std::array{1.0, 1.0, 1.0, 1.0}) == flow);
    CHECK(dice.stream(Chance::kQuery).uniform() == query);
  }
  // Frozen chances are no outcomes: one that is left is summed over.
  RequestDice alone(make_key(9));
  alone.freeze(Chance::kFlow, make_key(9));
  const Outcomes outcomes = outcomes_of(alone, make_key(9), 10, 10, [](RequestDice& dice) {
    dice.pick(Chance::kFlow, std::array{1.0, 1.0, 1.0, 1.0});
    dice.stream(Chance::kFlow);
    return static_cast<std::int32_t>(dice.pick(Chance::kBringBack, std::array{1.0, 3.0}));
  });
  CHECK(outcomes.exact);
  CHECK(sums(outcomes).at(1) == Approx(0.75));
}

}  // namespace
}  // namespace swipegym
