#include <catch2/catch.hpp>

#include "env/fitted/exposure_rows.h"
#include "env/fitted/exposure_shift.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/fitted_user_model.h"
#include "tests/env/toy_log.h"

namespace swipegym {
namespace {

FitConfig smallest_fit() {
  FitConfig config;
  config.training.epochs = 1;
  config.training.batch = 256;
  config.training.threads = 1;
  config.training.shape = {.watch_hidden = 16, .watch_top = 16, .feedback_hidden = 16, .feedback_top = 16};
  return config;
}

TEST_CASE("what a random row is told of videos holds nothing that its own user did", "[fit]") {
  const Dataset data = testing::toy_log(30, 12, 30, 3, 0.3);
  const FitResult fit = fit_simulator(data, 99999999, smallest_fit());
  const FittedParts& parts = dynamic_cast<const FittedUserModel&>(*fit.simulator.model).parts();
  FitLog log = encode_log(data, {});
  const ExposureRows before = random_rows(parts, log, 0);
  REQUIRE(before.shown.size() == log.random_rows);
  for (std::uint64_t at = log.offset[4]; at < log.offset[5]; ++at) log.event[at].level = 0.5F;
  const ExposureRows after = random_rows(parts, log, 0);
  std::size_t own = 0, others_moved = 0;
  for (std::size_t i = 0; i < before.shown.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    const bool moved = before.numbers(row, 2) != Approx(after.numbers(row, 2)).margin(1e-5);
    const bool is_own = index_of(before.shown[i].user) == 4;
    if (is_own) CHECK_FALSE(moved);
    own += is_own ? 1 : 0, others_moved += !is_own && moved ? 1 : 0;
  }
  CHECK(own > 3);
  CHECK(others_moved > 100);
}

TEST_CASE("exposures beyond one deviation have a second slope, in a row's terms as in a video's", "[fit]") {
  ExposureEffects effects;
  effects.centre = {0.0F, 1.0F, 0.0F, 0.0F}, effects.deviation = {1.0F, 0.5F, 1.0F, 1.0F};
  effects.weight.setZero();
  effects.weight.row(static_cast<Eigen::Index>(ExposureTerm::kManyExposures)).setConstant(-0.2F);
  for (const auto& [exposures, beyond] :
       {std::pair{0.0F, 0.0F}, {1.5F, 0.0F}, {1.75F, 0.5F}, {2.0F, 1.0F}, {9.0F, 2.0F}}) {
    CAPTURE(exposures);
    std::array<float, kExposureTerms> terms{};
    effects.terms(0.0F, exposures, 0.0F, 0.0F, terms);
    CHECK(terms[static_cast<std::size_t>(ExposureTerm::kManyExposures)] == Approx(beyond));
    CHECK(effects.of_video(exposures, 0.0F, 0.0F).alone[2] == Approx(-0.2F * beyond));
  }
}

TEST_CASE("without random rows the prior alone tells a policy's choice from the platform's", "[fit]") {
  const FitResult none = fit_simulator(testing::toy_log(60, 30, 30, 4), 99999999, smallest_fit());
  CHECK(none.exposure.from_rows == 0.0);
  CHECK(none.exposure.users == 0);
  CHECK(none.exposure.of_exposures == none.exposure.prior_of_exposures);
  const FittedParts& parts = dynamic_cast<const FittedUserModel&>(*none.simulator.model).parts();
  CHECK(parts.network.effects.weight.cwiseAbs().maxCoeff() > 0.0F);
  const FitResult some = fit_simulator(testing::toy_log(60, 30, 30, 4, 0.2), 99999999, smallest_fit());
  const FitResult many = fit_simulator(testing::toy_log(60, 30, 90, 4, 0.8), 99999999, smallest_fit());
  CHECK(some.exposure.users > 50);
  CHECK(some.exposure.from_rows > 0.02);
  CHECK(many.exposure.from_rows > some.exposure.from_rows);
}

TEST_CASE("the random rows of a fold are those of its users", "[fit]") {
  const Dataset data = testing::toy_log(40, 12, 20, 5, 0.3);
  FitConfig config = smallest_fit();
  config.folds = 2;
  const FitResult half = fit_simulator(data, 99999999, config);
  const FittedParts& parts = dynamic_cast<const FittedUserModel&>(*half.simulator.model).parts();
  const FitLog log = encode_log(data, {.fold = 0, .folds = 2});
  const ExposureRows rows = random_rows(parts, log, 0);
  CHECK(rows.shown.size() == log.random_rows);
  for (const Shown& shown : rows.shown) CHECK(log.in_fold[index_of(shown.user)] == 1);
}

}  // namespace
}  // namespace swipegym
