#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <vector>

#include "core/error.h"
#include "policy/ordering/interests.h"

namespace swipegym {

TEST_CASE("interests are tags with a share of the history, but for the largest", "[policy]") {
  const std::vector<std::uint16_t> history = {7, 7, 7, 7, 3, 3, 5, 9, 9, 9, 0, 0};  // 0: no tag
  std::vector<std::uint16_t> room;
  std::vector<SideInterest> found;
  find_side_interests(history, 0, 0.2F, room, found);
  REQUIRE(found.size() == 2);
  CHECK(found[0].tag == 3);
  CHECK(found[0].share == Approx(0.2));
  CHECK(found[1].tag == 9);
  CHECK(found[1].share == Approx(0.3));
  find_side_interests(std::vector<std::uint16_t>{4, 4, 2, 2}, -1, 0.1F, room, found);  // as large as the top one
  REQUIRE(found.size() == 1);
  CHECK(found[0].tag == 4);
  find_side_interests({}, -1, 0.1F, room, found);
  CHECK(found.empty());
  CHECK_THROWS_AS(find_side_interests(history, 0, 0.0F, room, found), InputError);
}

TEST_CASE("an interest is drawn by its share of those the list has, a place as asked", "[policy]") {
  std::vector<SideInterest> interests = {{3, 0.2F}, {8, 0.4F}, {9, 0.3F}};
  keep_interests_of(std::vector<std::uint16_t>{9, 1, 3}, interests);
  REQUIRE(interests.size() == 2);
  CHECK(interests[0].share == Approx(0.4));
  CHECK(interests[1].share == Approx(0.6));

  const BringBackSettings settings{.probability = 0.25F, .place = "drawn"};
  std::map<std::pair<std::int32_t, std::size_t>, double> seen;
  constexpr int kDraws = 100'000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const BringBack back = draw_bring_back(settings, interests, 4, split(make_key(5), i));
    ++seen[{back.tag, back.tag < 0 ? 0 : back.place}];
  }
  // Chi-square over nine outcomes: its 99.99 % point at eight degrees of freedom is 31.8.
  double chi = std::pow(seen[{-1, 0}] - 0.75 * kDraws, 2) / (0.75 * kDraws);
  for (const auto& [tag, share] : {std::pair{3, 0.4}, std::pair{9, 0.6}})
    for (std::size_t place = 0; place < 4; ++place) {
      const double expected = 0.25 * share / 4.0 * kDraws;
      chi += std::pow(seen[{tag, place}] - expected, 2) / expected;
    }
  CHECK(seen.size() == 9);
  CHECK(chi < 31.8);

  CHECK(draw_bring_back({.probability = 1.0F}, interests, 4, make_key(1)).place == 3);
  CHECK(draw_bring_back({.probability = 1.0F}, {}, 4, make_key(1)).tag == -1);
  CHECK(draw_bring_back({.probability = 0.0F}, interests, 4, make_key(1)).tag == -1);
  CHECK(draw_bring_back({.probability = 1.0F}, interests, 0, make_key(1)).tag == -1);
}

TEST_CASE("small pools are damped by the power of their share of the floor, and nothing rises", "[policy]") {
  const std::vector<std::uint32_t> inventory = {0, 1, 25, 100, 400, 25};
  std::vector<float> scores = {2.0F, 2.0F, 2.0F, 2.0F, 2.0F, -2.0F};
  damp_by_inventory(scores, inventory, {.kappa = 0.5F, .floor = 100.0F});
  CHECK(scores[0] == Approx(0.2));
  CHECK(scores[1] == Approx(0.2));
  CHECK(scores[2] == Approx(1.0));
  CHECK(scores[3] == 2.0F);
  CHECK(scores[4] == 2.0F);
  CHECK(scores[5] == Approx(-4.0));
  damp_by_inventory(scores, inventory, {.kappa = 0.0F, .floor = 100.0F});
  CHECK(scores[2] == Approx(1.0));
  CHECK_THROWS_AS(damp_by_inventory(scores, std::span(inventory).first(2), {}), InputError);
  CHECK(count_by_tag(std::vector<std::uint16_t>{2, 0, 2}, 3) == std::vector<std::uint32_t>{1, 0, 2});
  CHECK_THROWS_AS(count_by_tag(std::vector<std::uint16_t>{3}, 3), InputError);
}

}  // namespace swipegym
