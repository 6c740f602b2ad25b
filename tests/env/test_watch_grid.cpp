#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "env/fitted/watch_grid.h"
#include "sim_data/labels.h"
#include "tests/env/toy_log.h"

namespace swipegym {
namespace {

std::vector<std::uint32_t> all_rows(const Dataset& data) {
  std::vector<std::uint32_t> rows(data.log.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

WatchGrid toy_grid() {
  const Dataset data = testing::toy_log(60, 50, 40, 3);
  return WatchGrid(data.log, all_rows(data));
}

TEST_CASE("no bin crosses a rule's threshold: a draw from a bin passes long_view exactly when the bin does",
          "[watch]") {
  const WatchGrid grid = toy_grid();
  for (const std::int32_t duration : {600, 4321, 6999, 7000, 7400, 12345, 17999, 18000, 60500, 400000}) {
    const auto segments = WatchGrid::segments(duration);
    for (std::size_t k = 0; k < WatchGrid::kBins; ++k) {
      if (segments.empty(WatchGrid::segment_of(k))) continue;
      for (const float level : {0.0F, 0.37F, 0.999F}) {
        const std::int32_t play = grid.draw_play_ms(k, level, duration);
        CAPTURE(duration, k, level, play);
        CHECK(is_long_view(play, duration) == WatchGrid::passes_long_view(k, segments, duration));
        CHECK(WatchGrid::segment_of(grid.bin(play, duration)) == WatchGrid::segment_of(k));
      }
    }
  }
}

TEST_CASE("bins of a segment hold equal shares of the rows they were learned from", "[watch]") {
  const Dataset data = testing::toy_log(200, 50, 60, 4);
  const std::vector<std::uint32_t> rows = all_rows(data);
  const WatchGrid grid(data.log, rows);
  std::array<double, WatchGrid::kBins> count{};
  for (const std::uint32_t row : rows) count[grid.bin(data.log.play_ms[row], data.log.duration_ms[row])] += 1;
  double first_skip = 0;
  for (std::size_t i = 0; i < WatchGrid::kBinsOf[1]; ++i) first_skip += count[WatchGrid::kFirst[1] + i];
  for (std::size_t i = 0; i < WatchGrid::kBinsOf[1]; ++i)
    CHECK(count[WatchGrid::kFirst[1] + i] / first_skip == Approx(1.0 / WatchGrid::kBinsOf[1]).margin(0.012));
}

TEST_CASE("duration groups share the roots of durations evenly: long videos have fine groups", "[watch]") {
  const Dataset data = testing::toy_log(200, 50, 60, 4);
  const std::vector<std::uint32_t> rows = all_rows(data);
  const WatchGrid grid(data.log, rows);
  std::array<double, WatchGrid::kGroups> roots{};
  std::map<std::int32_t, double> of_duration;
  double all = 0.0, largest = 0.0;
  for (const std::uint32_t row : rows) {
    const std::int32_t duration = data.log.duration_ms[row];
    roots[grid.group(duration)] += std::sqrt(duration), all += std::sqrt(duration);
    largest = std::max(largest, of_duration[duration] += std::sqrt(duration));
  }
  for (const double sum : roots) CHECK(std::abs(sum - all / WatchGrid::kGroups) <= largest);  // a video is never split
}

TEST_CASE("play time grows with bin and level, and nothing played is its own bin", "[watch]") {
  const WatchGrid grid = toy_grid();
  CHECK(grid.bin(0, 30000) == 0);
  CHECK(grid.draw_play_ms(0, 0.5F, 30000) == 0);
  float last = 0.0F;
  for (std::size_t k = 1; k < WatchGrid::kBins; ++k)
    for (const float level : {0.0F, 0.5F, 0.99F}) {
      const float play = grid.play_ms(k, level, 30000);
      CHECK(play >= last - 0.01F);
      last = play;
    }
}

}  // namespace
}  // namespace swipegym
