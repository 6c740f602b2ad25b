#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "evaluation/uplift/exposure_effect.h"
#include "evaluation/uplift/uplift_estimators.h"
#include "evaluation/uplift/uplift_scores.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

constexpr double kPromised = 1e-6;  // relative

struct RecordedUplift {
  Json json = test::read_recorded("uplift.json");
  UpliftRows rows{.treated = json["treated"].get<std::vector<std::uint8_t>>(),
                  .propensity = json["propensity"].get<std::vector<double>>(),
                  .exposure = json["exposure"].get<std::vector<double>>(),
                  .impressions = json["impressions"].get<std::vector<double>>(),
                  .outcome = json["outcome"].get<std::vector<double>>(),
                  .num_features = json["width"].get<std::size_t>(),
                  .features = json["features"].get<std::vector<double>>(),
                  .creator = json["creator"].get<std::vector<std::uint32_t>>()};
};

void check_tau(const UpliftEstimate& estimate, const Json& recorded) {
  const auto want = recorded.get<std::vector<double>>();
  REQUIRE(estimate.tau.size() == want.size());
  double largest = 0.0, error = 0.0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::abs(want[i]));
    error = std::max(error, std::abs(estimate.tau[i] - want[i]));
  }
  CAPTURE(estimate.name, error, largest);
  CHECK(error <= kPromised * largest);
}

}  // namespace

TEST_CASE("S-, T- and X-learners give EconML's effects, by least squares and by ridge regression", "[evaluation]") {
  const RecordedUplift recorded;
  const RandomKey key = make_key(1);
  const UpliftSettings plain{.products = false, .penalties = {0.0}, .folds = 1};
  const UpliftSettings ridge{.penalties = {recorded.json["penalty"].get<double>()}, .folds = 1};
  for (const auto& [name, settings] : {std::pair{"least_squares", plain}, {"ridge", ridge}}) {
    const Json& want = recorded.json[name];
    check_tau(s_learner(recorded.rows, settings, key), want["s"]);
    check_tau(t_learner(recorded.rows, settings, key), want["t"]);
    check_tau(x_learner(recorded.rows, settings, key), want["x"]);
  }
}

TEST_CASE("effects of a watch and their errors by creators are those of linearmodels and statsmodels", "[evaluation]") {
  const RecordedUplift recorded;
  const double creators = 30.0, factor = std::sqrt(creators / (creators - 1.0));
  const auto check = [&](const UpliftEstimate& estimate, const char* name) {
    CAPTURE(name);
    const Json& want = recorded.json["effects"][name];
    CHECK(estimate.average.mean == Approx(want["tau"].get<double>()).epsilon(kPromised));
    CHECK(estimate.standard_error == Approx(factor * want["error"].get<double>()).epsilon(kPromised));
    CHECK(estimate.average.high - estimate.average.mean == Approx(2.0452 * estimate.standard_error).epsilon(1e-4));
  };
  const ExposureSettings one{.heterogeneous = false};
  check(exposure_effect(recorded.rows, Instrument::kNone, one), "naive");
  check(exposure_effect(recorded.rows, Instrument::kImpressions, one), "impressions");
  const UpliftEstimate by_coin = exposure_effect(recorded.rows, Instrument::kTreatment, one);
  check(by_coin, "treatment");
  const Json& first = recorded.json["effects"]["first_stage"];
  CHECK(by_coin.first_stage ==
        Approx(std::pow(first["tau"].get<double>() / (factor * first["error"].get<double>()), 2)).epsilon(kPromised));

  UpliftRows bare = recorded.rows;
  bare.features.clear(), bare.num_features = 0;
  check(exposure_effect(bare, Instrument::kTreatment), "wald");
  const std::vector<std::uint32_t> all(bare.size(), 0);
  const UpliftEstimate difference = difference_of_means(bare, all);
  check(difference, "difference");
  // The same by another way: the ratio of two differences of means, and its error by the delta method.
  check(per_watch(difference, difference_of_means(with_exposure_as_outcome(bare), all), bare.creator), "wald");
}

TEST_CASE("an effect of a watch that varies with the features is that of linearmodels", "[evaluation]") {
  const RecordedUplift recorded;
  const UpliftEstimate estimate = exposure_effect(recorded.rows, Instrument::kTreatment, {.penalties = {0.0}});
  const auto want = recorded.json["effects"]["heterogeneous"]["coefficients"].get<std::vector<double>>();
  // The recorded regression multiplied W with features of mean 0 and deviation 1.
  const std::size_t n = recorded.rows.size();
  std::vector<double> mean(3, 0.0), deviation(3, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t c = 0; c < 3; ++c) mean[c] += recorded.rows.feature_row(i)[c] / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      deviation[c] += std::pow(recorded.rows.feature_row(i)[c] - mean[c], 2) / static_cast<double>(n);
  double error = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    double tau = want[0];
    for (std::size_t c = 0; c < 3; ++c)
      tau += want[c + 1] * (recorded.rows.feature_row(i)[c] - mean[c]) / std::sqrt(deviation[c]);
    error = std::max(error, std::abs(tau - estimate.tau[i]));
  }
  CHECK(error <= kPromised * std::abs(want[0]));
}

TEST_CASE("Qini's curve and coefficient are scikit-uplift's, ties included", "[evaluation]") {
  RecordedUplift recorded;
  for (double& outcome : recorded.rows.outcome) outcome = outcome > 0.0 ? 1.0 : 0.0;
  for (double& propensity : recorded.rows.propensity) propensity = 0.37;  // any, where it is one for all
  const QiniCurve curve = qini_curve(recorded.rows, recorded.json["score"].get<std::vector<double>>());
  const auto share = recorded.json["qini"]["share"].get<std::vector<double>>(),
             gain = recorded.json["qini"]["gain"].get<std::vector<double>>();
  REQUIRE(curve.share.size() == share.size());
  for (std::size_t i = 0; i < share.size(); ++i) {
    CHECK(curve.share[i] == Approx(share[i]).margin(1e-12));
    CHECK(curve.gain[i] == Approx(gain[i]).margin(1e-12));
  }
  CHECK(curve.coefficient == Approx(recorded.json["qini"]["coefficient"].get<double>()).epsilon(kPromised));
}

}  // namespace swipegym
