#include "evaluation/uplift/uplift_table.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "core/validate.h"
#include "evaluation/uplift/exposure_effect.h"
#include "evaluation/uplift/uplift_estimators.h"
#include "evaluation/uplift/uplift_scores.h"

namespace swipegym {

std::vector<UpliftLine> uplift_table(const UpliftRows& rows, std::span<const double> truth,
                                     const UpliftSettings& settings, RandomKey key, std::size_t strata_by) {
  rows.validate();
  require_size("uplift table: truth", truth.size(), truth.empty() ? 0 : rows.size());
  const UpliftRows on_exposure = with_exposure_as_outcome(rows);
  double average_truth = kUndefined;
  if (!truth.empty()) {
    const UpliftEstimate moved = x_learner(on_exposure, settings, key);
    double sum = 0.0, watches = 0.0;
    // Not cut at 0: where no watches come, the errors on both sides take each other's place.
    for (std::size_t i = 0; i < truth.size(); ++i) sum += moved.tau[i] * truth[i], watches += moved.tau[i];
    if (watches > 0.0) average_truth = sum / watches;
  }
  std::vector<UpliftLine> lines;
  const auto add = [&](std::string name, UpliftEstimate estimate) {
    UpliftLine& line = lines.emplace_back();
    line.name = std::move(name);
    line.average_truth = average_truth;
    // An estimate that is not defined (per_watch) has no scores.
    if (!std::isnan(estimate.average.mean)) {
      line.qini = qini_curve(rows, estimate.tau).coefficient;
      if (!truth.empty()) {
        line.pehe = pehe(estimate.tau, truth);
        line.truth_qini = truth_qini(estimate.tau, truth);
        const UpliftCalibration calibration = uplift_calibration(estimate.tau, truth);
        line.slope = calibration.slope, line.intercept = calibration.intercept;
      }
    }
    line.estimate = std::move(estimate);
  };
  const auto add_ratio = [&](const char* name, const auto& estimator) {
    add(name, per_watch(estimator(rows), estimator(on_exposure), rows.creator));
  };
  const auto add_effect = [&](Instrument instrument) {
    add(std::string(exposure_effect_name(instrument)),
        exposure_effect(rows, instrument, {.products = settings.products}));
  };

  add_effect(Instrument::kNone);
  const std::vector<std::uint32_t> all(rows.size(), 0);
  add_ratio("difference of means", [&](const UpliftRows& of) { return difference_of_means(of, all); });
  if (strata_by < rows.num_features) {
    std::vector<double> feature(rows.size());
    for (std::size_t i = 0; i < feature.size(); ++i) feature[i] = rows.feature_row(i)[strata_by];
    const std::vector<std::uint32_t> strata = quantile_strata(feature, 5);
    add_ratio("difference in strata", [&](const UpliftRows& of) { return difference_of_means(of, strata); });
  }
  add_ratio("S-learner", [&](const UpliftRows& of) { return s_learner(of, settings, key); });
  add_ratio("T-learner", [&](const UpliftRows& of) { return t_learner(of, settings, key); });
  add_ratio("X-learner", [&](const UpliftRows& of) { return x_learner(of, settings, key); });
  add_ratio("transformed outcome", [&](const UpliftRows& of) { return transformed_learner(of, settings, key); });
  add_effect(Instrument::kTreatment);
  if (!rows.impressions.empty()) add_effect(Instrument::kImpressions);
  return lines;
}

}  // namespace swipegym
