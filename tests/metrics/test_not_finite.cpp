#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/metrics/bootstrap.h"
#include "evaluation/metrics/mean_variance.h"
#include "evaluation/metrics/quantile_score.h"
#include "evaluation/metrics/ranking.h"
#include "evaluation/metrics/sample_distance.h"

// Every metric refuses a number that is none by its own name and the row, and lists of different lengths.

namespace swipegym {
namespace {

using Values = std::vector<float>;
using Labels = std::vector<std::uint8_t>;
using Users = std::vector<std::uint32_t>;

const Labels kLabels = {0, 1, 0, 1};
const Users kUsers = {3, 3, 5, 5};
const Values kGood = {0.1F, 0.4F, 0.3F, 0.2F};

struct Metric {
  std::string name;
  std::function<void(const Values& values)> of;  // takes four values, the third of which may be none
};

std::vector<Metric> metrics() {
  const RankedUsers ranked = rank_users(kUsers, kGood);
  return {
      {"mid_ranks", [](const Values& v) { mid_ranks(v); }},
      {"auc", [](const Values& v) { auc(v, kLabels); }},
      {"gauc", [](const Values& v) { gauc(kUsers, v, kLabels); }},
      {"log_loss", [](const Values& v) { log_loss(v, kLabels); }},
      {"expected_calibration_error", [](const Values& v) { expected_calibration_error(v, kLabels); }},
      {"score_binary", [](const Values& v) { score_binary(kUsers, v, kLabels); }},
      {"rank_users", [](const Values& v) { rank_users(kUsers, v); }},
      {"discounted_gain_ratio", [=](const Values& v) { discounted_gain_ratio(ranked, v, 2); }},
      {"duration_spread", [=](const Values& v) { duration_spread(ranked, v, 2); }},
      {"spearman", [](const Values& v) { spearman(v, kGood); }},
      {"spearman", [](const Values& v) { spearman(kGood, v); }},
      {"wasserstein1", [](const Values& v) { wasserstein1(v, kGood); }},
      {"wasserstein1", [](const Values& v) { wasserstein1(kGood, v); }},
      {"kendall_tau_b",
       [](const Values& v) { kendall_tau_b(std::vector<double>(v.begin(), v.end()), std::vector<double>(v.size())); }},
      {"kendall_tau_b",
       [](const Values& v) { kendall_tau_b(std::vector<double>(v.size()), std::vector<double>(v.begin(), v.end())); }},
      {"bootstrap",
       [](const Values& v) {
         bootstrap(std::vector<Measure>{{.items = v.size(), .numerator = v, .denominator = {}}}, {}, {.resamples = 2});
       }},
      {"bootstrap",
       [](const Values& v) {
         bootstrap(std::vector<Measure>{{.items = 4, .numerator = kGood, .denominator = v}}, {}, {.resamples = 2});
       }},
      {"bootstrap",
       [](const Values& v) { (void)Measure{.items = v.size(), .numerator = v, .denominator = {}}.value(); }},
      {"sample_quantiles", [](const Values& v) { sample_quantiles(v); }},
      {"sample_quantile", [](const Values& v) { sample_quantile(v, 0.6); }},
      {"mean and variance",
       [](const Values& v) {
         MeanVariance sum;
         for (const float value : v) sum.add(value);
       }},
      {"quantile score",
       [](const Values& v) {
         std::array<float, kQuantiles> quantiles{};
         quantiles[2] = v[2];
         QuantileScore().add(quantiles, 0.5);
       }},
      {"quantile score", [](const Values& v) { QuantileScore().add(std::array<float, kQuantiles>{}, v[2]); }},
  };
}

TEST_CASE("a metric given NaN or infinity says its name, and given numbers it does not", "[metrics]") {
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  for (const Metric& metric : metrics()) {
    INFO(metric.name);
    CHECK_NOTHROW(metric.of(kGood));
    for (const float bad : {NAN, kInfinite, -kInfinite}) {
      Values values = kGood;
      values[2] = bad;
      CHECK_THROWS_AS(metric.of(values), InputError);
      CHECK_THROWS_WITH(metric.of(values), Catch::Contains(metric.name) && Catch::Contains("finite"));
    }
  }
  CHECK_THROWS_WITH(auc(Values{0, 1, NAN, 1}, kLabels), Catch::Contains("[2] is nan"));
}

TEST_CASE("a metric given lists of different lengths says so", "[metrics]") {
  const Values three = {1, 2, 3};
  const RankedUsers ranked = rank_users(kUsers, kGood);
  CHECK_THROWS_AS(auc(three, kLabels), InputError);
  CHECK_THROWS_AS(gauc(kUsers, three, kLabels), InputError);
  CHECK_THROWS_AS(gauc(Users{1}, kGood, kLabels), InputError);
  CHECK_THROWS_AS(log_loss(three, kLabels), InputError);
  CHECK_THROWS_AS(expected_calibration_error(three, kLabels), InputError);
  CHECK_THROWS_AS(expected_calibration_error(kGood, kLabels, 0), InputError);
  CHECK_THROWS_AS(score_binary(kUsers, three, kLabels), InputError);
  CHECK_THROWS_AS(rank_users(kUsers, three), InputError);
  CHECK_THROWS_AS(discounted_gain_ratio(ranked, three, 2), InputError);
  CHECK_THROWS_AS(discounted_gain_ratio(ranked, kGood, 0), InputError);
  CHECK_THROWS_AS(spearman(kGood, three), InputError);
  CHECK_THROWS_AS(kendall_tau_b(std::vector<double>(2), std::vector<double>(3)), InputError);
  CHECK_THROWS_AS(difference(std::vector<double>(2), std::vector<double>(3)), InputError);
  CHECK_THROWS_AS(normalised(std::vector<double>(2), std::vector<double>(2), std::vector<double>(3)), InputError);
  CHECK_THROWS_AS(sample_quantile(Values{}, 0.5), InputError);
  CHECK_THROWS_AS(sample_quantile(kGood, 1.5), InputError);
  CHECK_THROWS_AS(student_t975(0), InputError);
}

}  // namespace
}  // namespace swipegym
