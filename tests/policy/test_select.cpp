#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "core/error.h"
#include "policy/select.h"

namespace swipegym {
namespace {

// Rows of candidate slots with given scores and mask.
struct Choice {
  explicit Choice(std::size_t rows_, std::size_t slots_) : rows(rows_), slots(slots_) {
    mask.assign(rows * slots, 1), scores.assign(rows * slots, 0.0F), candidate.assign(rows * slots, 0);
    for (std::size_t i = 0; i < rows; ++i) keys.push_back(split(make_key(7), i)), streams.push_back(0);
  }
  std::vector<std::int32_t> select(const Exploration& how, std::size_t slate = 1) const {
    DecisionBatch batch;
    batch.observation.rows = rows, batch.observation.candidates = slots;
    batch.observation.mask = mask.data(), batch.observation.candidate = candidate.data();
    batch.keys = keys, batch.streams = streams;
    std::vector<std::int32_t> actions(rows * slate);
    select_actions(batch, scores, how, actions, slate);
    return actions;
  }
  std::size_t rows, slots;
  std::vector<std::uint8_t> mask;
  std::vector<float> scores;
  std::vector<std::int32_t> candidate;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
};

TEST_CASE("greedy takes the best slot, the lowest index among equals, and never a masked one", "[policy]") {
  Choice choice(3, 4);
  choice.scores = {1, 3, 3, 2, /**/ 5, 1, 4, 4, /**/ 0, 0, 0, 0};
  choice.mask = {1, 1, 1, 1, /**/ 0, 1, 1, 1, /**/ 0, 0, 0, 1};
  CHECK(choice.select(Exploration::greedy()) == std::vector<std::int32_t>{1, 2, 3});
}

TEST_CASE("a score that is not a number loses, and one row without slots is named", "[policy]") {
  Choice choice(2, 2);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  choice.scores = {nan, -1.0F, nan, nan};
  CHECK(choice.select(Exploration::greedy()) == std::vector<std::int32_t>{1, 0});
  choice.mask = {1, 1, 0, 0};
  CHECK_THROWS_AS(choice.select(Exploration::greedy()), InputError);
  CHECK_THROWS_WITH(choice.select(Exploration::greedy()), Catch::Contains("row 1"));
}

// A policy that says how it wants to choose.
struct Stochastic final : Policy {
  explicit Stochastic(float t) : own(t) {}
  std::string_view name() const noexcept override { return "stochastic"; }
  void score(const DecisionBatch&, std::span<float> scores) const override {
    std::fill(scores.begin(), scores.end(), 0.0F);
  }
  float temperature() const noexcept override { return own; }
  float own;
};

TEST_CASE("left to itself a policy chooses as it was trained to, and asked otherwise it does that", "[policy]") {
  const Stochastic draws(0.5F), best(0.0F);
  CHECK(resolved({}, draws).kind == Exploration::Kind::kBoltzmann);
  CHECK(resolved({}, draws).temperature == 0.5F);
  CHECK(resolved({}, best).kind == Exploration::Kind::kGreedy);
  CHECK(resolved(Exploration::greedy(), draws).kind == Exploration::Kind::kGreedy);
  CHECK(resolved(Exploration::boltzmann(2.0F), draws).temperature == 2.0F);
  CHECK_THROWS_AS(Choice(1, 2).select({}), InputError);

  const Choice choice(200, 4);  // all slots are worth the same
  const auto chosen = [&](const Policy& policy) {
    DecisionBatch batch;
    batch.observation.rows = choice.rows, batch.observation.candidates = choice.slots;
    batch.observation.mask = choice.mask.data(), batch.observation.candidate = choice.candidate.data();
    batch.keys = choice.keys, batch.streams = choice.streams;
    std::vector<float> scores;
    std::vector<std::int32_t> actions(choice.rows);
    choose_actions(policy, batch, {}, choice.slots, scores, actions);
    return actions;
  };
  const std::vector<std::int32_t> drawn = chosen(draws), taken = chosen(best);
  CHECK(std::count(taken.begin(), taken.end(), 0) == 200);
  for (std::int32_t slot = 0; slot < 4; ++slot) {
    CHECK(std::count(drawn.begin(), drawn.end(), slot) > 25);
    CHECK(std::count(drawn.begin(), drawn.end(), slot) < 80);
  }
}

TEST_CASE("a slate holds distinct slots, best first", "[policy]") {
  Choice choice(1, 5);
  choice.scores = {1, 5, 2, 4, 3};
  CHECK(choice.select(Exploration::greedy(), 3) == std::vector<std::int32_t>{1, 3, 4});
  for (std::uint32_t stream = 0; stream < 50; ++stream) {
    choice.streams[0] = stream;
    for (const Exploration how : {Exploration::epsilon_greedy(0.7F), Exploration::boltzmann(3.0F)}) {
      std::vector<std::int32_t> slate = choice.select(how, 5);
      std::sort(slate.begin(), slate.end());
      CHECK(slate == std::vector<std::int32_t>{0, 1, 2, 3, 4});
    }
  }
}

TEST_CASE("explored choices follow the stated probabilities", "[policy]") {
  constexpr std::size_t kDraws = 20000;
  Choice choice(kDraws, 4);
  for (std::size_t i = 0; i < kDraws; ++i) {
    const std::array<float, 4> scores = {0.0F, 1.0F, 2.0F, 9.0F};
    const std::array<std::uint8_t, 4> mask = {1, 1, 1, 0};
    std::copy(scores.begin(), scores.end(), choice.scores.begin() + static_cast<std::ptrdiff_t>(4 * i));
    std::copy(mask.begin(), mask.end(), choice.mask.begin() + static_cast<std::ptrdiff_t>(4 * i));
  }
  for (const Exploration how : {Exploration::epsilon_greedy(0.3F), Exploration::boltzmann(0.8F)}) {
    std::array<double, 4> expected{};
    selection_probabilities(std::span(choice.scores).first(4), std::span(choice.mask).first(4), how, false, expected);
    CHECK(expected[0] + expected[1] + expected[2] == Approx(1.0));
    CHECK(expected[3] == 0.0);
    std::array<double, 4> share{};
    for (const std::int32_t slot : choice.select(how)) share[static_cast<std::size_t>(slot)] += 1.0 / kDraws;
    for (std::size_t slot = 0; slot < 4; ++slot)  // 4 standard errors of a share of .5
      CHECK(share[slot] == Approx(expected[slot]).margin(4.0 * 0.5 / std::sqrt(double{kDraws})));
  }
}

TEST_CASE("probabilities have their closed forms", "[policy]") {
  const std::array<float, 3> scores = {0.0F, std::log(2.0F), 1e6F};
  const std::array<std::uint8_t, 3> mask = {1, 1, 0};
  std::array<double, 3> p{};
  selection_probabilities(scores, mask, Exploration::greedy(), false, p);
  CHECK(p == std::array<double, 3>{0.0, 1.0, 0.0});
  selection_probabilities(scores, mask, Exploration::epsilon_greedy(0.2F), false, p);
  CHECK(p[0] == Approx(0.1));
  CHECK(p[1] == Approx(0.9));
  selection_probabilities(scores, mask, Exploration::boltzmann(1.0F), false, p);
  CHECK(p[0] == Approx(1.0 / 3.0));
  selection_probabilities(scores, {}, Exploration::greedy(), true, p);
  CHECK(p[2] == Approx(1.0 / 3.0));
}

TEST_CASE("a choice depends on its own key and stream, not on the rows beside it", "[policy]") {
  Choice both(2, 6), alone(1, 6);
  alone.keys[0] = both.keys[1];
  for (std::uint32_t stream = 0; stream < 20; ++stream) {
    both.streams = {99, stream};
    alone.streams = {stream};
    CHECK(both.select(Exploration::epsilon_greedy(1.0F))[1] == alone.select(Exploration::epsilon_greedy(1.0F))[0]);
  }
}

TEST_CASE("exploration settings outside their range are refused", "[policy]") {
  const Choice choice(1, 2);
  CHECK_THROWS_AS(choice.select(Exploration::boltzmann(0.0F)), InputError);
  CHECK_THROWS_AS(choice.select(Exploration::epsilon_greedy(1.5F)), InputError);
}

}  // namespace
}  // namespace swipegym
