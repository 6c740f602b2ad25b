#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "evaluation/off_policy/estimators.h"

namespace swipegym {
namespace {

std::vector<OffPolicyRow> rows() {
  std::vector<OffPolicyRow> out(4);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].reward = 1.0, out[i].weight = 0.5, out[i].propensity = 0.5, out[i].user = static_cast<std::uint32_t>(i);
  }
  return out;
}

TEST_CASE("an estimator given a row with a number that is none says its name and the row", "[off_policy]") {
  const double infinite = std::numeric_limits<double>::infinity();
  for (const EstimatorInfo& info : estimator_infos()) {
    const double lambda = info.has_setting ? 0.5 : kNoLimit;
    CHECK_NOTHROW(estimate(info.estimator, lambda, rows()));
    for (const double bad : {std::nan(""), infinite, -infinite})
      for (double OffPolicyRow::*field : {&OffPolicyRow::reward, &OffPolicyRow::weight, &OffPolicyRow::propensity,
                                          &OffPolicyRow::q_logged, &OffPolicyRow::q_policy}) {
        std::vector<OffPolicyRow> damaged = rows();
        damaged[2].*field = bad;
        CHECK_THROWS_AS(estimate(info.estimator, lambda, damaged), InputError);
        CHECK_THROWS_WITH(estimate(info.estimator, lambda, damaged),
                          Catch::StartsWith(std::string(info.name) + ": ") && Catch::Contains("[2]"));
        const AskedEstimate asked{.name = "asked", .estimator = info.estimator, .lambda = lambda, .rows = damaged};
        CHECK_THROWS_WITH(estimate_with_intervals({&asked, 1}, {}, {.resamples = 2}), Catch::StartsWith("asked: "));
        CHECK_THROWS_AS(lambda_grid(Estimator::kIps, damaged), InputError);
      }
  }
}

}  // namespace
}  // namespace swipegym
