#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "sim_data/d2co_label.h"
#include "sim_data/dataset.h"
#include "sim_data/duration_groups.h"
#include "sim_data/labels.h"

using namespace swipegym;

namespace {

std::vector<std::uint64_t> all_rows(const Log& log) {
  std::vector<std::uint64_t> rows(log.size());
  std::iota(rows.begin(), rows.end(), std::uint64_t{0});
  return rows;
}

// Rows with these (play, duration) pairs, in milliseconds.
Log log_of(const std::vector<std::pair<std::int32_t, std::int32_t>>& rows) {
  Log log;
  log.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) std::tie(log.play_ms[i], log.duration_ms[i]) = rows[i];
  return log;
}

}  // namespace

TEST_CASE("elementary labels are what they say", "[labels]") {
  CHECK(watch_ratio(15000, 10000) == 1.5F);
  CHECK(std::isnan(watch_ratio(15000, 0)));
  CHECK(play_completion_rate(15000, 10000) == 1.0F);
  CHECK(truncated_watch_s(15000, 10000) == 10.0F);
  CHECK(is_play_complete(10000, 10000));
  CHECK_FALSE(is_play_complete(9999, 10000));
  CHECK_FALSE(is_play_complete(10, 0));
  CHECK(has_explicit_feedback(bit(Signal::kComment)));
  CHECK_FALSE(has_explicit_feedback(bit(Signal::kClick) | bit(Signal::kForward)));
}

TEST_CASE("duration groups hold equal shares and keep equal durations together", "[labels]") {
  std::vector<std::pair<std::int32_t, std::int32_t>> rows;
  for (int i = 0; i < 300; ++i) rows.emplace_back(100 * i, 1000 * (i + 1));
  for (int i = 0; i < 100; ++i) rows.emplace_back(10 * i, 150'000);  // a crowd at one duration
  rows.emplace_back(5, 0);                                           // an unknown duration is left out
  const Log log = log_of(rows);
  const DurationGroups groups(log, all_rows(log), {.groups = 8});
  REQUIRE(groups.size() <= 8);
  std::uint64_t total = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) total += groups.rows(g);
  CHECK(total == 400);
  CHECK(groups.rows(0) == 50);
  CHECK(groups.group_of(150'000) == groups.group_of(149'000));
  CHECK(groups.group_of(1) == 0);
  CHECK(groups.group_of(10'000'000) == groups.size() - 1);
  for (int d = 2000; d <= 300'000; d += 1000) CHECK(groups.group_of(d) >= groups.group_of(d - 1000));
}

TEST_CASE("the gain has mean 0 and deviation 1 in every group of its training rows", "[labels]") {
  RandomStream random(make_key(3));
  std::vector<std::pair<std::int32_t, std::int32_t>> rows;
  for (int i = 0; i < 5000; ++i) {
    const auto duration = static_cast<std::int32_t>(1000 + random.below(100'000));
    rows.emplace_back(static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(2 * duration))), duration);
  }
  const Log log = log_of(rows);
  const DurationGroups groups(log, all_rows(log), {.groups = 10});
  std::vector<double> sum(10), squares(10), quantile(10);
  for (const auto& [play, duration] : rows) {
    const std::size_t g = groups.group_of(duration);
    const double gain = groups.watch_time_gain(play, duration);
    sum[g] += gain;
    squares[g] += gain * gain;
    quantile[g] += groups.quantile(play, duration);
  }
  for (std::size_t g = 0; g < 10; ++g) {
    const auto n = static_cast<double>(groups.rows(g));
    CHECK(sum[g] / n == Approx(0.0).margin(1e-5));
    CHECK(squares[g] / n == Approx(1.0).epsilon(1e-5));
    CHECK(quantile[g] / n == Approx(0.5).margin(2e-3));  // mid-ranks average to a half
  }
}

TEST_CASE("D2Q's quantile counts ties half and lies between its neighbours' elsewhere", "[labels]") {
  // One group of eight: 0 0 0 0 2 4 6 8 seconds.
  const Log log = log_of({{0, 10'000},
                          {0, 10'000},
                          {0, 10'000},
                          {0, 10'000},
                          {2'000, 10'000},
                          {4'000, 10'000},
                          {6'000, 10'000},
                          {8'000, 10'000}});
  const DurationGroups groups(log, all_rows(log), {.groups = 1});
  CHECK(groups.quantile(0, 10'000) == Approx(0.25));
  CHECK(groups.quantile(2'000, 10'000) == Approx(4.5 / 8));
  CHECK(groups.quantile(3'000, 10'000) == Approx(5.0 / 8));  // half-way between its neighbours
  CHECK(groups.quantile(9'000, 10'000) == 1.0F);
}

TEST_CASE("group statistics see training rows only", "[labels]") {
  Log log = log_of({{1'000, 10'000}, {3'000, 10'000}, {9'000, 10'000}});
  const std::vector<std::uint64_t> training = {0, 1};
  const float before = DurationGroups(log, training).watch_time_gain(2'500, 10'000);
  log.play_ms[2] = 0;
  CHECK(DurationGroups(log, training).watch_time_gain(2'500, 10'000) == before);
  CHECK(before == Approx(0.5));
}

TEST_CASE("a group without spread has no gain, and no known duration is an error", "[labels]") {
  const Log log = log_of({{1'000, 10'000}, {1'000, 10'000}});
  CHECK(DurationGroups(log, all_rows(log)).watch_time_gain(5'000, 10'000) == 0.0F);
  const Log unknown = log_of({{1'000, 0}});
  CHECK_THROWS_AS(DurationGroups(unknown, all_rows(unknown)), InputError);
  CHECK_THROWS_AS(D2CoLabel(unknown, all_rows(unknown)), InputError);
}

TEST_CASE("two normals are found in a histogram of two humps", "[labels]") {
  std::vector<std::uint64_t> count(60);
  for (int i = 0; i < 60; ++i) {
    const auto hump = [&](double at, double width, double rows) {
      return rows * std::exp(-0.5 * (i - at) * (i - at) / (width * width));
    };
    count[static_cast<std::size_t>(i)] = static_cast<std::uint64_t>(hump(8, 2, 700) + hump(40, 4, 250));
  }
  const TwoMeans found = fit_two_normals(count);
  CHECK(found.low == Approx(8.0).margin(0.1));
  CHECK(found.high == Approx(40.0).margin(0.2));
  CHECK(fit_two_normals(std::vector<std::uint64_t>{0, 0, 5, 0}).high == 2.0);
}

TEST_CASE("D2Co's label runs from 0 at the noise level to 1 at the interest level", "[labels]") {
  RandomStream random(make_key(9));
  std::vector<std::pair<std::int32_t, std::int32_t>> rows;
  for (int i = 0; i < 4000; ++i)
    rows.emplace_back(random.below(2) == 0 ? 1000 + random.below(2000) : 20'000 + random.below(8000), 30'000);
  const Log log = log_of(rows);
  for (const float alpha : {0.001F, 0.3F}) {
    const D2CoLabel d2co(log, all_rows(log), {.alpha = alpha});
    CHECK(d2co.noise_s(30'000) == Approx(2.0).margin(0.1));
    CHECK(d2co.interest_s(30'000) == Approx(24.0).margin(0.1));
    CHECK(d2co.label(500, 30'000) == 0.0F);
    CHECK(d2co.label(25'000, 30'000) == 1.0F);
    float last = 0.0F;
    for (int play = 2'000; play < 24'000; play += 500) {
      CHECK(d2co.label(play, 30'000) >= last);
      last = d2co.label(play, 30'000);
      const double low = d2co.noise_s(30'000), high = d2co.interest_s(30'000), w = play * 1e-3;
      const double expected =
          (std::exp(alpha * w) - std::exp(alpha * low)) / (std::exp(alpha * high) - std::exp(alpha * low));
      CHECK(last == Approx(std::clamp(expected, 0.0, 1.0)).margin(1e-4));
    }
  }
}

TEST_CASE("on the real slice long_view follows its rule without exception", "[labels][real]") {
  const char* real = std::getenv("SWIPEGYM_DATA");
  if (real == nullptr) {
    WARN("skipped: SWIPEGYM_DATA names no KuaiRand folder");
    return;
  }
  const Dataset data = load_dataset(real, {.random = false}).data;
  std::uint64_t rows = 0, mismatches = 0, complete = 0;
  std::uint64_t tab_rows = 0, false_click = 0, extra_click = 0;
  for (std::size_t i = 0; i < data.log.size(); ++i) {
    const std::int32_t play = data.log.play_ms[i], duration = data.log.duration_ms[i];
    if (duration == 0) continue;
    ++rows;
    mismatches += is_long_view(play, duration) != has(data.log.signals[i], Signal::kLongView);
    complete += is_play_complete(play, duration);
    if (data.log.tab[i] != 1) continue;
    ++tab_rows;
    const bool rule = is_valid_play(play, duration), click = has(data.log.signals[i], Signal::kClick);
    false_click += rule && !click;
    extra_click += click && !rule;
  }
  CHECK(rows == 190'482);
  CHECK(mismatches == 0);
  CHECK(static_cast<double>(complete) / static_cast<double>(rows) == Approx(0.1420).margin(1e-4));
  // On tab 1 a valid play is nearly always a click; real clicks with little play are the rest.
  CHECK(static_cast<double>(false_click) / static_cast<double>(tab_rows) < 2e-4);
  CHECK(static_cast<double>(extra_click) / static_cast<double>(tab_rows) == Approx(0.014).margin(0.002));
  // Longer videos are watched longer but less of them: the gain takes that out.
  const DurationGroups groups(data.log, all_rows(data.log));
  CHECK(groups.size() == 30);
  CHECK(groups.mean_s(29) > 2.0 * groups.mean_s(5));
  const D2CoLabel d2co(data.log, all_rows(data.log));
  CHECK(d2co.interest_s(30'000) > 3.0F * d2co.noise_s(30'000));
}
