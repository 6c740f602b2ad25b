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

TEST_CASE("interests are those the list has videos of, by their share", "[policy]") {
  std::vector<SideInterest> interests = {{3, 0.2F}, {8, 0.4F}, {9, 0.3F}};
  keep_interests_of(std::vector<std::uint16_t>{9, 1, 3}, interests);
  REQUIRE(interests.size() == 2);
  CHECK(interests[0].share == Approx(0.4));
  CHECK(interests[1].share == Approx(0.6));
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
