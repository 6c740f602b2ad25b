#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/random_draws.h"
#include "env/platform/upload_past.h"

namespace swipegym {
TEST_CASE("what an upload brings over its life is known from parts of lives", "[env][platform]") {
  // Everybody gets 8, 4 and 2 seconds on the days of a life of three: 14. Nothing behind it counts.
  UploadPast past(3);
  past.add(0, 0, -1), past.add(0, 1, 0), past.add(1, 0, 1), past.add(1, 1, 2);
  CHECK(past.values(0, 2, 2).mean == 0.0);
  const double by_age[] = {8.0, 4.0, 2.0, 100.0, 100.0};
  const std::int32_t uploaded[] = {-1, 0, 1, 2};
  for (std::int32_t day = 0; day < 4; ++day) {
    for (std::uint32_t upload = 0; upload < 4; ++upload)
      if (day >= uploaded[upload]) past.watched(upload, day, by_age[day - uploaded[upload]]);
    const UploadValues values = past.values(day + 1, 3, 2);
    CHECK(values.mean == Approx(14.0 - (day == 0 ? 2.0 : 0.0)));  // no third day was seen on the first one
    for (const auto* of : {&values.of_creator, &values.of_tag})
      for (const double value : *of) CHECK(value == Approx(values.mean));
  }
}

TEST_CASE("creators whose uploads bring more are told apart, shrunk by how much was seen", "[env][platform]") {
  constexpr std::uint32_t kCreators = 200;
  UploadPast past(5);
  std::vector<double> truth;
  std::vector<std::int32_t> day_of;
  std::vector<std::uint32_t> creator_of;
  RandomStream random(make_key(4));
  for (std::uint32_t c = 0; c < kCreators; ++c) truth.push_back(std::exp(0.5 * draw_normal_pair(random)[0]));
  for (std::int32_t day = 0; day < 20; ++day)
    for (std::uint32_t c = 0; c < kCreators; ++c)
      if (random.uniform_double() < 0.2) past.add(c, 0, day), day_of.push_back(day), creator_of.push_back(c);
  // A day of the life brings 10, 5, 2.5, ... times the creator's own, and luck of an exponential law.
  for (std::int32_t day = 0; day < 20; ++day)
    for (std::uint32_t upload = 0; upload < day_of.size() && day_of[upload] <= day; ++upload)
      past.watched(upload, day,
                   10.0 * std::pow(0.5, day - day_of[upload]) * truth[creator_of[upload]] *
                       -std::log(1.0 - random.uniform_double()));
  const UploadValues values = past.values(20, kCreators, 1);
  const double whole = 10.0 * (1.0 + 0.5 + 0.25 + 0.125 + 0.0625);
  double mean = 0.0, error = 0.0, spread = 0.0;
  for (const double one : truth) mean += whole * one / kCreators;
  for (std::uint32_t c = 0; c < kCreators; ++c) {
    error += std::pow(values.of_creator[c] - whole * truth[c], 2);
    spread += std::pow(mean - whole * truth[c], 2);
  }
  CHECK(values.mean == Approx(mean).epsilon(0.1));
  CHECK(error < 0.5 * spread);  // half of what saying the mean of everybody errs by
}

}  // namespace swipegym
