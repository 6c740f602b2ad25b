#include <catch2/catch.hpp>

#include "core/error.h"
#include "env/constant_user_model.h"
#include "evaluation/fidelity/random_exposure.h"
#include "tests/evaluation/toy_model.h"

using namespace swipegym;

namespace {

std::shared_ptr<const Simulator> simulator_with(double interventional) {
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = make_toy_catalogue({});
  simulator->population = make_toy_population({});
  simulator->model =
      std::make_shared<test::ToyUserModel>(test::ToyUserModel::Options{.interventional = interventional});
  return simulator;
}

}  // namespace

TEST_CASE("the uniform policy's check sees whether interventional answers are life's", "[evaluation]") {
  // The toy log's random rows follow the logged law: mean ratio .9 * (.2 + .01 * 29.5) over 60 equally likely videos,
  // a third of which lie in tab 0. A simulator's catalogue of 500 videos has nearly the same mix.
  const Dataset data = test::make_toy_dataset({.users = 300, .days = 4, .random_log = true});
  const auto honest = check_random_exposure(simulator_with(1.0), data, {.sessions = 600, .threads = 1});
  CHECK(honest.real.videos > 700);
  CHECK(honest.simulated.videos == 600 * 5);
  // Standard errors about .02 on either side; the ratios are exponential with mean .45.
  CHECK(honest.simulated.watch_ratio == Approx(honest.real.watch_ratio).margin(0.07));
  CHECK(honest.simulated.rate[0] == Approx(honest.real.rate[0]).margin(0.06));
  const auto shy = check_random_exposure(simulator_with(0.4), data, {.sessions = 600, .threads = 1});
  CHECK(shy.simulated.watch_ratio < 0.6 * shy.real.watch_ratio);
  CHECK(to_json(shy)["real"]["is_click"].get<double>() == shy.real.rate[0]);
}

TEST_CASE("a tab that nobody opens cannot be checked", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 3, .random_log = true});
  CHECK_THROWS_AS(check_random_exposure(simulator_with(1.0), data, {.tab = 9}), InputError);
}
