#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "evaluation/metrics/clustered_share.h"

using namespace swipegym;

namespace {

std::vector<std::uint32_t> one_row_a_user(std::size_t rows) {
  std::vector<std::uint32_t> users(rows);
  std::iota(users.begin(), users.end(), 0U);
  return users;
}

}  // namespace

TEST_CASE("without clusters the interval of a share is Wilson's", "[metrics]") {
  // 15 of 50: statsmodels.stats.proportion.proportion_confint(15, 50, method="wilson") gives .1910, .4375.
  std::vector<float> values(50, 0.0F);
  for (std::size_t i = 0; i < 15; ++i) values[i * 3] = 1.0F;
  const Interval share = clustered_share(one_row_a_user(50), values);
  CHECK(share.mean == Approx(0.3));
  // The variance by clusters has 49 degrees of freedom where the binomial one has 50: as if of 49 rows.
  CHECK(share.low == Approx(0.1910).margin(0.002));
  CHECK(share.high == Approx(0.4375).margin(0.002));
}

TEST_CASE("rows that repeat a user's answer add nothing to what is known", "[metrics]") {
  std::vector<float> once, often;
  std::vector<std::uint32_t> users;
  for (std::uint32_t user = 0; user < 200; ++user) {
    once.push_back(user % 4 == 0 ? 1.0F : 0.0F);
    for (int copy = 0; copy < 9; ++copy) often.push_back(once.back()), users.push_back(user);
  }
  const Interval few = clustered_share(one_row_a_user(200), once), many = clustered_share(users, often);
  CHECK(many.low == Approx(few.low).margin(1e-9));
  CHECK(many.high == Approx(few.high).margin(1e-9));
}

TEST_CASE("where nothing ever happened a row a user says how rare it may be", "[metrics]") {
  const std::vector<float> none(40, 0.0F), all(40, 1.0F);
  const std::vector<std::uint32_t> users(40, 0);  // one user
  const Interval rare = clustered_share(one_row_a_user(40), none);
  CHECK(rare.mean == 0.0);
  CHECK(rare.low == 0.0);
  CHECK(rare.high == Approx(3.8415 / (40 + 3.8415)).margin(1e-4));  // z^2 / (n + z^2)
  CHECK(clustered_share(one_row_a_user(40), all).low == Approx(1.0 - rare.high));
  CHECK(clustered_share(users, none).high > 0.7);
  CHECK(std::isnan(clustered_share({}, {}).mean));
}

TEST_CASE("intervals of clustered shares hold the truth as often as they say", "[metrics]") {
  // Users of 8 rows whose own rates differ by .2: 400 logs of 100 users; 95 % with a standard error of 1.1 points.
  // Taken for independent rows, they would hold it 80 % of the time.
  int held = 0;
  for (std::uint64_t log = 0; log < 400; ++log) {
    RandomStream draw(split(make_key(7), log));
    std::vector<std::uint32_t> users;
    std::vector<float> values;
    for (std::uint32_t user = 0; user < 100; ++user) {
      const double rate = draw.uniform() < 0.5 ? 0.1 : 0.5;
      for (int row = 0; row < 8; ++row) users.push_back(user), values.push_back(draw.uniform() < rate ? 1.0F : 0.0F);
    }
    const Interval share = clustered_share(users, values);
    held += share.low <= 0.3 && 0.3 <= share.high;
  }
  CHECK(held > 0.91 * 400);
  CHECK(held < 0.985 * 400);
}

TEST_CASE("what is no share is refused", "[metrics]") {
  const std::vector<std::uint32_t> users = {0, 1};
  CHECK_THROWS_AS(clustered_share(users, std::vector<float>{0.5F}), InputError);
  CHECK_THROWS_AS(clustered_share(users, std::vector<float>{0.5F, 1.5F}), InputError);
  CHECK_THROWS_AS(clustered_share(users, std::vector<float>{0.5F, NAN}), InputError);
}
