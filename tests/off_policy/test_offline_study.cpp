#include <catch2/catch.hpp>
#include <cmath>

#include "evaluation/off_policy/estimators.h"
#include "evaluation/off_policy/offline_study.h"
#include "tests/agents/offline_bandit.h"
#include "tests/sanitized.h"

using namespace swipegym;
using swipegym::test::OfflineBandit;

TEST_CASE("offline study: bc is the logged mean, TSCAC gains as much as the truth says, threads change nothing",
          "[off_policy]") {
  const bool quick = swipegym::testing::kSanitized;
  const OfflineRows rows = OfflineBandit::make(quick ? 500 : 4'000, quick ? 200 : 1'500, quick ? 200 : 5'000);
  OfflineStudySettings settings{.config = OfflineBandit::config(), .seeds = 2, .resamples = 100};
  settings.config.behaviour_epochs = settings.config.advantage_epochs = quick ? 1 : 10;
  settings.config.temperatures = {1.0}, settings.config.weights = {0.3}, settings.config.lambdas = {0.5};
  settings.config.actor_epochs = quick ? 1 : 4;
  const OfflineStudyResult one = run_offline_study(rows, settings, 5, 1);
  CHECK(to_json(one).dump() == to_json(run_offline_study(rows, settings, 5, 3)).dump());
  REQUIRE(one.lines.size() == 6);
  for (const OfflineLine& line : one.lines) {
    CAPTURE(line.method);
    CHECK(line.effective_rows > 0.0);
    if (line.method == "bc") {
      for (std::size_t i = 0; i < kOfflineResponses; ++i)
        CHECK(line.value[i].mean == Approx(one.logged[i]).epsilon(1e-9));
      CHECK(line.effective_rows == Approx(static_cast<double>(rows.test.size())));
      CHECK(line.largest_weight == Approx(1.0));
    }
    if (line.method == "tscac" && !quick) {
      CHECK(line.change[kOfflineMain].low > 0.1);  // of 17.7 s, where the best video of each context has 26
      CHECK(line.change[kOfflineMain].high < 26.0 / one.logged[kOfflineMain] - 1.0);
      CHECK(line.change[1].low > -settings.config.tolerance);
    }
  }
}

TEST_CASE("offline study: NCIS under the true propensities finds a known policy's value", "[off_policy]") {
  const OfflineRows rows = OfflineBandit::make(2, 2, 60'000, 9);
  std::vector<float> judged(rows.size()), behaviour(rows.size());
  double truth = 0.0;
  for (std::size_t x = 0; x < OfflineBandit::kContexts; ++x)
    for (std::size_t a = 0; a < OfflineBandit::kActions; ++a)
      truth += 0.25 * OfflineBandit::behaviour((x + 1) % 4, a) * OfflineBandit::seconds(x, a);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::size_t x = OfflineBandit::context(rows, row), a = static_cast<std::size_t>(rows.action[row]);
    judged[row] = static_cast<float>(std::log(OfflineBandit::behaviour((x + 1) % 4, a)));
    behaviour[row] = static_cast<float>(std::log(OfflineBandit::behaviour(x, a)));
  }
  const auto weighed = ncis_rows(rows, rows.test, kOfflineMain, judged, behaviour);
  CHECK(estimate(Estimator::kNcis, 10.0, weighed) == Approx(truth).epsilon(0.005));
  CHECK(std::abs(truth - estimate(Estimator::kNcis, 10.0, ncis_rows(rows, rows.test, kOfflineMain, judged, judged))) >
        0.02 * truth);  // the logged mean is another number
}
