#include <catch2/catch.hpp>
#include <cstdlib>
#include <vector>

#include "sample_release.h"
#include "sim_data/statistics.h"

using namespace swipegym;
using namespace swipegym::test;

TEST_CASE("quantiles lie between order statistics", "[statistics]") {
  std::vector<float> values = {4, 1, 3, 2, 0};
  const Distribution d = distribution_of(values);
  CHECK(d.count == 5);
  CHECK(d.mean == 2.0);
  CHECK(d.p50 == 2.0);
  CHECK(d.p90 == Approx(3.6));
  CHECK(d.p10 == Approx(0.4));
  CHECK(d.max == 4.0);
  std::vector<float> none, one = {7};
  CHECK(distribution_of(none).count == 0);
  CHECK(distribution_of(one).p99 == 7.0);
}

TEST_CASE("a small log is described as counted by hand", "[statistics]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  const DataStatistics s = describe_data(load_dataset(folder.path).data);
  CHECK(s.rows == 7);
  CHECK(s.users == 3);
  CHECK(s.videos == 4);
  CHECK(s.authors == 3);
  CHECK(s.first_date == 20220424);
  CHECK(s.last_date == 20220427);
  CHECK(s.random.rows == 2);
  CHECK(s.standard.rows == 5);
  CHECK(s.standard.unknown_duration == 1);
  CHECK(s.standard.complete == 0.25);  // one of four with a known duration
  CHECK(s.standard.zero_play == 0.2);
  CHECK(s.random.watch_ratio.mean == Approx((1.2 + 0.0125) / 2));
  CHECK(s.random.signal[static_cast<std::size_t>(Signal::kClick)] == 0.5);
  REQUIRE(s.tabs.size() == 4);
  CHECK(s.tabs[0].tab == 1);
  CHECK(s.tabs[0].rows == 4);
  CHECK(s.rows_per_user.max == 3.0);
  CHECK(s.rows_per_video.count == 4);
  // (user, day) before the 27th: user 3 on 24 and 25, user 0 on 24 and 25, user 7 on 26; the 24ths come back.
  CHECK(s.next_day_return == Approx(2.0 / 5.0));
  // User 3: three days; user 0: one row an hour before two at the same time; user 7: one.
  CHECK(s.session_rows.count == 6);
  CHECK(s.session_rows.max == 2.0);
  // The two random rows alone: of two users, on two days.
  const DataStatistics random = describe_data(load_dataset(folder.path).data, 1, LogPart::kRandom);
  CHECK(random.rows == 2);
  CHECK(random.standard.rows == 0);
  CHECK(random.random.watch_ratio.mean == s.random.watch_ratio.mean);
  CHECK(random.first_date == 20220425);
  CHECK(random.last_date == 20220426);
  CHECK(random.rows_per_user.count == 2);
  CHECK(random.rows_per_video.count == 2);
  CHECK(random.session_rows.max == 1.0);
  CHECK(random.next_day_return == 0.0);  // of user 3's one day before the last
  const Json json = statistics_to_json(s);
  CHECK(json.at("standard").at("signal").at("long_view") == s.standard.signal[6]);
  CHECK(json.at("tabs").size() == 4);
}

TEST_CASE("an empty log has statistics, too", "[statistics]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  const DataStatistics s = describe_data(load_dataset(folder.path, {.from = 20300101}).data);
  CHECK(s.rows == 0);
  CHECK(s.users == 3);
  CHECK(statistics_to_json(s).at("session_rows").at("count") == 0);
}

TEST_CASE("the real slice has the statistics pandas finds", "[statistics][real]") {
  const char* real = std::getenv("SWIPEGYM_DATA");
  if (real == nullptr) {
    WARN("skipped: SWIPEGYM_DATA names no KuaiRand folder");
    return;
  }
  const DataStatistics s = describe_data(load_dataset(real).data);
  CHECK(s.next_day_return == Approx(0.483749805990998));
  CHECK(s.session_rows.count == 164'599);
  CHECK(s.session_rows.mean == Approx(1.182546674038117));
  CHECK(s.session_rows.p99 == 3.0);
  CHECK(s.rows_per_user.count == 24'719);
  CHECK(s.rows_per_user.p99 == Approx(37.0));
  CHECK(s.rows_per_video.count == 6'391);
  CHECK(s.rows_per_video.max == 1'349.0);
  CHECK(s.gini == Approx(0.7709834075421776));
  CHECK(s.top_fifth == Approx(0.8081029150355004));
  CHECK(s.standard.rows == 193'583);
  CHECK(s.standard.watch_ratio.mean == Approx(0.349254146219651).epsilon(1e-5));
  CHECK(s.standard.watch_ratio.p99 == Approx(2.0437142006934415).epsilon(1e-5));
  CHECK(s.standard.complete == Approx(0.14204491763001229));
  CHECK(s.standard.duration_s.p50 == Approx(71.066).epsilon(1e-5));
  REQUIRE(s.tabs.size() == 15);
  CHECK(s.tabs[0].tab == 1);
  CHECK(s.tabs[0].signal[static_cast<std::size_t>(Signal::kClick)] == Approx(0.492281).epsilon(1e-5));
}
