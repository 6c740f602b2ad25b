#include <catch2/catch.hpp>

#include "core/error.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/fidelity/free_running.h"
#include "evaluation/generate/logged_feed.h"
#include "evaluation/generate/synthesise.h"
#include "tests/evaluation/toy_model.h"

using namespace swipegym;
using test::ToyUserModel;

namespace {

Simulator simulator_of(const ToyUserModel::Options& options) {
  Simulator simulator;
  simulator.model = std::make_shared<ToyUserModel>(options);
  return simulator;
}

const SessionDistance& figure(const FreeRunningReport& report, std::string_view name) {
  for (const SessionDistance& distance : report.distance)
    if (distance.name == name) return distance;
  FAIL("no such figure");
  return report.distance.front();
}

}  // namespace

TEST_CASE("the law behind a log runs free like the log", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 200, .days = 6});
  const FreeRunningReport report = run_free(simulator_of({}), data, {.from = 20220503, .threads = 1});
  CHECK(report.sessions == 200 * 4);
  CHECK(report.until == 20220506);
  CHECK(figure(report, "length").wasserstein == 0.0);
  CHECK(figure(report, "length").simulated == 5.0);
  // Two samples of 800 against two halves of 400: the floor is the larger one in expectation; 1.5 leaves room for luck.
  CHECK(figure(report, "watch_s").ratio() < 1.5);
  CHECK(figure(report, "mean_ratio").ratio() < 1.5);
  CHECK(figure(report, "clicks").ratio() < 1.5);
  CHECK(report.user_days == 200 * 3);
  CHECK(report.real_return == 1.0);
  CHECK(report.simulated_return == 1.0);
}

TEST_CASE("a simulator that is wrong in one thing is caught in that thing", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 200, .days = 6});
  const FreeRunningOptions options{.from = 20220503, .threads = 1};
  const FreeRunningReport impatient = run_free(simulator_of({.session = 3}), data, options);
  CHECK(figure(impatient, "length").wasserstein == 2.0);
  CHECK(figure(impatient, "mean_ratio").ratio() < 3.0);
  // Staying on past the real session works as well: resampled videos follow.
  CHECK(figure(run_free(simulator_of({.session = 9}), data, options), "length").simulated == 9.0);
  const FreeRunningReport keen = run_free(simulator_of({.scale = 1.5}), data, options);
  CHECK(figure(keen, "length").wasserstein == 0.0);
  CHECK(figure(keen, "mean_ratio").ratio() > 4.0);
  // Skipping each day with probability .2: a pair's second day is missing that often; 600 pairs, standard error .016.
  CHECK(run_free(simulator_of({.skip_day = 0.2}), data, options).simulated_return == Approx(0.8).margin(0.06));
}

TEST_CASE("a synthetic truth runs free like its log, sessions of the random-exposure experiment included",
          "[evaluation]") {
  const TruthOptions truth{.preset = TruthPreset::kTiny, .seed = 4};
  const Dataset data = synthesise_dataset({.truth = truth, .threads = 1});
  constexpr std::int32_t kUntil = 20220430;
  const Simulator world = make_truth_simulator(data.truth, data, kUntil, 1);
  const FreeRunningReport report = run_free(world, data, {.from = 20220501, .until = 20220504, .threads = 1});
  CHECK(report.sessions > 500);
  // What follows a real session's end is resampled without regard to the person, so a little more than chance is left;
  // answering random exposures as logged ones would put the ratios above ten.
  for (const SessionDistance& distance : report.distance) {
    CAPTURE(distance.name, distance.wasserstein, distance.floor);
    CHECK(distance.ratio() < 2.5);
  }
}

TEST_CASE("free running does not depend on the number of threads", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 150, .days = 4});
  const auto run = [&](int threads) {
    return to_json(run_free(simulator_of({.skip_day = 0.3}), data, {.from = 20220502, .threads = threads})).dump();
  };
  const std::string one = run(1);
  CHECK(run(3) == one);
}

TEST_CASE("free running without held-out sessions is an error", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 3, .days = 2});
  CHECK_THROWS_AS(run_free(simulator_of({}), data, {.from = 20230101}), InputError);
  CHECK_THROWS_AS(run_free(simulator_of({}), data, {.from = 20220501}), InputError);  // no earlier exposures
}

TEST_CASE("the platform's feed keeps to the tab and takes pauses from the log", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 100, .videos = 60, .days = 4});
  const LoggedFeed feed(data, {.until = 20220504});
  RandomStream random(make_key(1));
  for (int i = 0; i < 200; ++i) {
    const LoggedFeed::Item first = feed.first(7, 0, random);
    CHECK(first.tab == 0);
    CHECK(index_of(first.video) % 3 == 0);  // the toy's tab 0
    CHECK(first.pause_ms == 0);
    CHECK(feed.after(7, 1, false, random).pause_ms == 60'000);
  }
  int stays = 0;
  for (int i = 0; i < 3000; ++i) stays += feed.after(7, 1, false, random).tab == 1;
  CHECK(stays == Approx(2000).margin(110));  // toy tabs are independent: two thirds are tab 1, standard deviation 26
}
