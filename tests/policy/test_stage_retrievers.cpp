#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>
#include <vector>

#include "core/remarks.h"
#include "env/catalogue.h"
#include "sim_data/days_off.h"
#include "tests/policy/stage_requests.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym {
namespace {

using test::StageFolder;
using test::StageRequests;

// Eight uploads a day; of each fifty videos one's day is not known, and one comes after all sessions.
std::shared_ptr<const Simulator> world_of_uploads(std::int32_t newest) {
  auto world = std::make_shared<Simulator>(*test::stage_world());
  Catalogue& catalogue = world->catalogue;
  for (std::size_t v = 0; v < catalogue.num_videos(); ++v) {
    const auto back = static_cast<std::int32_t>(v % 50);
    catalogue.upload_day.push_back(static_cast<std::uint16_t>(back == 49   ? 0
                                                              : back == 48 ? newest + 400
                                                                           : newest - back));
    catalogue.exposures[v] = static_cast<std::uint32_t>(v / 50 % 3);
  }
  return world;
}

std::int32_t day_of(const StageRequests& requests, std::size_t row) {
  return day_of_time(requests.env.next_shown(row, 0).time_ms);
}

TEST_CASE("fresh retrieves the newest uploads up to the request's day", "[policy][stages]") {
  const std::int32_t newest = day_of(StageRequests(test::stage_world(), true), 0);
  const auto simulator = world_of_uploads(newest);
  const Catalogue& catalogue = simulator->catalogue;
  const StageFolder folder("fresh");
  for (const bool full : {true, false})
    for (const int most_age : {0, 3}) {
      CAPTURE(full, most_age);
      const StagedPolicy policy = folder.policy(
          fmt::format(R"({{"retrieve": [{{"use": "fresh", "max_age_days": {}, "count": 40}}]}})", most_age),
          *simulator);
      StageRequests requests(simulator, full);
      const std::vector<std::uint32_t> rows = {0, 1, 2};
      const Served served = policy.serve(requests.batch(), rows, 1);
      for (std::size_t row = 0; row < 3; ++row) {
        const std::int32_t today = day_of(requests, row);
        std::vector<std::int32_t> expected;
        for (std::size_t slot = 0; slot < (full ? catalogue.num_videos() : 10); ++slot) {
          const std::int32_t video = video_in_slot(requests.env.observation(), row, slot);
          const std::int32_t day = catalogue.upload_day[static_cast<std::size_t>(video)];
          if (day == 0 || day > today || (most_age > 0 && today - day > most_age)) continue;
          if (full && requests.env.seen(row).contains(static_cast<std::uint32_t>(video))) continue;
          expected.push_back(video);
        }
        std::sort(expected.begin(), expected.end(), [&](std::int32_t a, std::int32_t b) {
          const auto key = [&](std::int32_t video) {
            const auto v = static_cast<std::size_t>(video);
            return std::array{-std::int64_t{catalogue.upload_day[v]}, -std::int64_t{catalogue.exposures[v]},
                              std::int64_t{video}};
          };
          return key(a) < key(b);
        });
        if (full) CHECK(expected.size() > 20);
        expected.resize(std::min<std::size_t>(expected.size(), 40));
        const auto found = served.retrieved.of(row);
        CHECK(std::vector<std::int32_t>(found.begin(), found.end()) == expected);
      }
    }
  CHECK_THAT(folder.error(R"({"retrieve": [{"use": "fresh"}]})", *test::stage_world()),
             Catch::Contains("json:1:") && Catch::Contains("retrieve[0].use") && Catch::Contains("upload days"));
  CHECK_THAT(folder.error(R"({"retrieve": [{"use": "fresh", "max_age_days": -1}]})", *simulator),
             Catch::Contains("retrieve[0].max_age_days"));
}

// The videos of each of three buckets by a measure, each asked for alone.
std::array<std::vector<std::int32_t>, 3> buckets_by(const std::string& measure, const std::array<double, 2>& edges,
                                                    const StageFolder& folder, const Simulator& simulator,
                                                    StageRequests& requests) {
  std::array<std::vector<std::int32_t>, 3> out;
  constexpr const char* kShares[] = {"1, 0, 0", "0, 1, 0", "0, 0, 1"};
  const std::uint32_t row = 0;
  for (std::size_t b = 0; b < 3; ++b) {
    const StagedPolicy policy =
        folder.policy(fmt::format(R"({{"retrieve": [{{"use": "bucket", {}, "edges": [{:.9g}, {:.9g}],
                                                      "shares": [{}], "count": 20}}]}})",
                                  measure, edges[0], edges[1], kShares[b]),
                      simulator);
    const Served served = policy.serve(requests.batch(), {&row, 1}, 1);
    const auto found = served.retrieved.of(0);
    out[b].assign(found.begin(), found.end());
  }
  return out;
}

// The edges that cut `values` into three parts of one size.
std::array<double, 2> thirds(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto middle = [&](std::size_t at) { return 0.5 * (values[at - 1] + values[at]); };
  return {middle(values.size() / 3), middle(2 * values.size() / 3)};
}

TEST_CASE("buckets hold videos by shows, by the posterior's deviation or by their vectors'", "[policy][stages]") {
  auto changed = std::make_shared<Simulator>(*test::stage_world());
  Catalogue& catalogue = changed->catalogue;
  for (std::size_t v = 0; v < catalogue.num_videos(); ++v) {
    catalogue.exposures[v] = static_cast<std::uint32_t>(v * 7 % 400);
    catalogue.video_features[v * kVideoFeatures + kVideoClickRate] = 0.2F + 0.6F * static_cast<float>(v % 13) / 13.0F;
  }
  const std::shared_ptr<const Simulator> simulator = changed;
  const StageFolder folder("buckets");
  const auto towers = test::small_towers_model(catalogue, true);
  const TwoTowerPolicy vectors(towers);
  vectors.save(folder.path() / "deviations.h5");
  StageRequests requests(simulator, true);

  const std::vector<float> deviation = vectors.video_deviations(1);
  REQUIRE(std::set<float>(deviation.begin(), deviation.end()).size() > 100);
  const std::vector<double> by_vectors(deviation.begin(), deviation.end());
  const std::vector<double> by_shows(catalogue.exposures.begin(), catalogue.exposures.end());
  for (const auto& [setting, measure] :
       {std::pair{std::string(R"("measure": "embedding", "vectors": "deviations.h5")"), by_vectors},
        std::pair{std::string(R"("measure": "shows")"), by_shows}}) {
    CAPTURE(setting);
    const std::array<double, 2> edges = thirds(measure);
    const auto buckets = buckets_by(setting, edges, folder, *simulator, requests);
    for (std::size_t b = 0; b < 3; ++b) {
      REQUIRE(buckets[b].size() == 20);
      for (const std::int32_t video : buckets[b]) {
        const double value = measure[static_cast<std::size_t>(video)];
        CHECK((b == 0 || value >= edges[b - 1]));
        CHECK((b == 2 || value < edges[b]));
      }
    }
  }
  // A video that was shown more is known better, wherever rates are alike.
  const auto known =
      buckets_by(R"("measure": "deviation", "alpha": 2, "beta": 2)", {0.03, 0.08}, folder, *simulator, requests);
  const auto most_shown = [&](const std::vector<std::int32_t>& videos) {
    std::uint32_t most = 0;
    for (const std::int32_t video : videos) most = std::max(most, catalogue.exposures[static_cast<std::size_t>(video)]);
    return most;
  };
  for (const auto& bucket : known) REQUIRE(bucket.size() == 20);
  // Beta(2 + s, 2 + f): .08 stands for 12 to 40 shows, .03 for at least 190 where rates are .2 to .8.
  CHECK(most_shown(known[2]) < 40);
  for (const std::int32_t video : known[0]) CHECK(catalogue.exposures[static_cast<std::size_t>(video)] > 150);
}

TEST_CASE("flows by vectors' deviations keep their shares and say their probabilities exactly", "[policy][stages]") {
  const auto simulator = test::stage_world();
  const StageFolder folder("flow_of_vectors");
  const TwoTowerPolicy vectors(test::small_towers_model(simulator->catalogue, true));
  vectors.save(folder.path() / "deviations.h5");
  const std::vector<float> deviation = vectors.video_deviations(1);
  const std::array<double, 2> edges = thirds({deviation.begin(), deviation.end()});
  const StagedPolicy policy =
      folder.policy(fmt::format(R"({{"retrieve": [{{"use": "bucket", "measure": "embedding", "vectors": "deviations.h5",
                                     "edges": [{:.9g}, {:.9g}], "shares": [0.5, 0.3, 0.2], "count": 1}}]}})",
                                edges[0], edges[1]),
                    *simulator);
  StageRequests requests(simulator, true);
  const Outcomes outcomes = policy.first_videos(requests.batch(), 1);
  CHECK(outcomes.exact);
  std::array<double, 3> share{};
  for (const auto& [video, probability] : outcomes.all) {
    const auto value = static_cast<double>(deviation[static_cast<std::size_t>(video)]);
    share[static_cast<std::size_t>(value >= edges[0]) + static_cast<std::size_t>(value >= edges[1])] += probability;
  }
  CHECK(share[0] == Approx(0.5));
  CHECK(share[1] == Approx(0.3));
  CHECK(share[2] == Approx(0.2));
}

TEST_CASE("flows by what is not there are refused with their place", "[policy][stages]") {
  const auto simulator = test::stage_world();
  const StageFolder folder("flow_refused");
  TwoTowerPolicy(test::small_towers_model(simulator->catalogue, true)).save(folder.path() / "deviations.h5");
  TwoTowerPolicy(test::small_towers_model(simulator->catalogue, false)).save(folder.path() / "plain.h5");
  const auto error = [&](const std::string& settings) {
    return folder.error(R"({"retrieve": [{"use": "bucket", )" + settings + "}]}", *simulator);
  };
  CHECK_THAT(error(R"("measure": "embedding", "vectors": "plain.h5")"),
             Catch::Contains("json:1:") && Catch::Contains("retrieve[0].vectors") && Catch::Contains("deviations"));
  CHECK_THAT(error(R"("measure": "embedding")"), Catch::Contains("retrieve[0].measure"));
  CHECK_THAT(error(R"("vectors": "deviations.h5")"), Catch::Contains("retrieve[0].vectors"));
  CHECK_THAT(error(R"("measure": "embedding", "vectors": "none.h5")"), Catch::Contains("a file that is there"));
  // Shows' own edges: every deviation lies below them.
  CHECK_THAT(error(R"("measure": "embedding", "vectors": "deviations.h5")"),
             Catch::Contains("retrieve[0].edges") && Catch::Contains("an edge between"));
}

TEST_CASE("a bucket that no video falls into is said to be empty", "[policy][stages]") {
  auto world = std::make_shared<Simulator>(*test::stage_world());
  for (std::size_t v = 0; v < world->catalogue.num_videos(); ++v) world->catalogue.exposures[v] = v % 2 == 0 ? 3 : 50;
  const test::StageFolder folder("empty_bucket");
  const auto remarks = [&](const std::string& flow) {
    std::vector<std::string> heard;
    const RemarkListener listener([&](const std::string& text) { heard.push_back(text); });
    folder.policy(R"({"retrieve": [{"use": "bucket", )" + flow + "}]}", *world);
    return heard;
  };
  CHECK(remarks(R"("edges": [10], "shares": [0.5, 0.5])").empty());
  CHECK(remarks(R"("edges": [10, 100], "shares": [0.5, 0.5, 0])").empty());  // it asks for none
  const std::vector<std::string> two = remarks(R"("edges": [2, 10, 30, 100], "shares": [0.1, 0.2, 0.3, 0.4, 0])");
  REQUIRE(two.size() == 1);
  CHECK_THAT(two[0], Catch::Contains("composition.json: retrieve[0].edges") &&
                         Catch::Contains("shows below 2 (share 0.1), nor shows 10 to 30 (share 0.3)"));
  CHECK_THAT(remarks(R"("edges": [10, 100], "shares": [0.5, 0.4, 0.1])").at(0), Catch::Contains("from 100 on"));
}

}  // namespace
}  // namespace swipegym
