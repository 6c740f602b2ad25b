#include <catch2/catch.hpp>
#include <set>

#include "env/constant_user_model.h"
#include "env/simulator_fingerprint.h"

namespace swipegym {

TEST_CASE("simulators that answer otherwise, or of other users or videos, have other fingerprints", "[env]") {
  const Simulator first = *make_constant_simulator({}, {.num_videos = 60});
  Simulator same = *make_constant_simulator({}, {.num_videos = 60});
  same.fit.all["data"] = "elsewhere";  // where the rows lay is no part of it
  CHECK(simulator_fingerprint(first) == simulator_fingerprint(same));

  std::set<std::uint64_t> seen{simulator_fingerprint(first)};
  const auto is_new = [&](const Simulator& other) { return seen.insert(simulator_fingerprint(other)).second; };
  CHECK(is_new(*make_constant_simulator({}, {.num_videos = 61})));
  CHECK(is_new(*make_constant_simulator({.leave_after = 4}, {.num_videos = 60})));
  Simulator answers = first;  // the same settings, as a second fit on other threads or another build would have them
  answers.model = std::make_shared<ConstantUserModel>(ConstantUserModel::Options{.watch_ratio = 0.75F});
  CHECK(is_new(answers));
  for (int which = 0; which < 5; ++which) {
    Simulator other = first;
    if (which == 0) other.catalogue.raw_video_id.back() += 1;
    if (which == 1) other.catalogue.raw_user_id.front() += 1;
    if (which == 2) other.population.start_time_ms.front() += 1;
    if (which == 3) other.catalogue.video_features.back() += 0.5F;
    if (which == 4) other.data_fingerprint += 1;
    CHECK(is_new(other));
  }
}

}  // namespace swipegym
