#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <vector>

#include "policy/embedding/interest_clusters.h"

namespace swipegym {
namespace {

// Videos 0 to 2 lie together, 3 and 4 together, 5 apart from both.
Matrix taste_items() {
  Matrix items(6, 2);
  items << 1.0F, 0.0F, 0.99F, 0.14F, 0.96F, 0.28F, 0.0F, 1.0F, 0.1F, 0.995F, -1.0F, 0.0F;
  return items;
}

struct WatchedRow {
  std::vector<std::int32_t> video;
  std::vector<float> ratio, age;
  ObservationView view() const {
    ObservationView o;
    o.rows = 1, o.history_length = video.size();
    o.history_video = video.data(), o.history_ratio = ratio.data();
    if (!age.empty()) o.history_age_days = age.data();
    return o;
  }
};

TEST_CASE("interests are clusters of what was wanted, by medoid and by importance that fades", "[policy]") {
  const Matrix items = taste_items();
  InterestConfig config;
  config.merge_cost = 0.3F, config.decay_per_day = 0.1F;
  // Padding, the first taste three times, the second twice, one video that was skipped.
  const WatchedRow row{{-1, 0, 1, 3, 2, 5, 4},
                       {0.0F, 1.0F, 0.8F, 1.0F, 2.0F, 0.1F, 0.9F},
                       {0.0F, 30.0F, 20.0F, 2.0F, 10.0F, 0.0F, 0.0F}};
  const std::vector<InterestCluster> found = find_interest_clusters(row.view(), 0, items, config);
  REQUIRE(found.size() == 2);
  CHECK(found[0].size == 2);  // the recent two weigh more than the three old ones
  CHECK(found[0].medoid == 3);
  CHECK(found[0].place == std::vector<std::uint32_t>{3, 6});
  CHECK(found[1].place == std::vector<std::uint32_t>{1, 2, 4});
  CHECK(found[0].importance == Approx(std::exp(-0.2) + 1.0));
  CHECK(found[1].medoid == 1);  // the one in the middle
  CHECK(found[1].importance == Approx(std::exp(-3.0) + std::exp(-2.0) + std::exp(-1.0)));

  config.decay_per_day = 0.0F;  // counts
  CHECK(find_interest_clusters(row.view(), 0, items, config)[0].importance == 3.0);
  config.decay_per_day = 0.1F;
  WatchedRow undated = row;
  undated.age.clear();  // so does a history without times
  CHECK(find_interest_clusters(undated.view(), 0, items, config)[0].importance == 3.0);
  config.merge_cost = 0.0F;
  CHECK(find_interest_clusters(row.view(), 0, items, config).size() == 5);
  config.merge_cost = 100.0F;
  CHECK(find_interest_clusters(row.view(), 0, items, config).size() == 1);
  config.wanted_above = 5.0F;
  CHECK(find_interest_clusters(row.view(), 0, items, config).empty());
}

TEST_CASE("interests are drawn in proportion to importance and never twice, or the most important are taken",
          "[policy]") {
  const std::vector<InterestCluster> interests = {{10, 5.0, 5}, {11, 3.0, 3}, {12, 2.0, 2}};
  InterestConfig config;
  config.count = 1;
  std::map<std::size_t, int> drawn;
  constexpr int kDraws = 20000;
  for (std::uint32_t i = 0; i < kDraws; ++i)
    ++drawn[choose_interests(interests, config, RandomStream(make_key(1), i)).at(0)];
  // A share of 20,000 draws has a standard error of at most .0036; four of them.
  CHECK(drawn[0] / double{kDraws} == Approx(0.5).margin(0.0145));
  CHECK(drawn[1] / double{kDraws} == Approx(0.3).margin(0.0145));

  config.count = 2;
  int both = 0;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const auto two = choose_interests(interests, config, RandomStream(make_key(2), i));
    REQUIRE(two.size() == 2);
    REQUIRE(two[0] != two[1]);
    both += two[0] != 2 && two[1] != 2;
  }
  CHECK(both / double{kDraws} == Approx(0.5 * 0.3 / 0.5 + 0.3 * 0.5 / 0.7).margin(0.0145));

  config.count = 7;
  CHECK(choose_interests(interests, config, RandomStream(make_key(3))).size() == 3);
  config.count = 2, config.choice = "top";
  CHECK(choose_interests(interests, config, RandomStream(make_key(3))) == std::vector<std::size_t>{0, 1});
  CHECK(choose_interests({}, config, RandomStream(make_key(3))).empty());
}

}  // namespace
}  // namespace swipegym
