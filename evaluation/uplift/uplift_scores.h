#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "evaluation/uplift/uplift_rows.h"

namespace swipegym {

/// sqrt(mean (tau - truth)^2), the precision in estimation of heterogeneous effects (Hill 2011). NaN without rows.
double pehe(std::span<const double> tau, std::span<const double> truth);

/// What treating the rows of the largest tau first gains.
struct QiniCurve {
  std::vector<double> share;  // of the rows, from 0 to 1; rows of equal tau are one point
  std::vector<double> gain;   // outcome gained, summed over heads and divided by all rows
  double area = 0.0;          // between the curve and the straight line to its end; 0: no better than random
  /// area over that of rows in the order of T Y - (1 - T) Y, which nothing beats. NaN where that is 0.
  double coefficient = 0.0;
};

/// Qini (Radcliffe 2007) of an order by rows with a coin: after the first rows, the heads' outcome less the tails'
/// times (heads / tails), rows counted by inverse propensity with a mean of 1 for heads. With one propensity for all it
/// is scikit-uplift's `qini_curve` over the rows, and `coefficient` its `qini_auc_score`. Any outcome will do.
QiniCurve qini_curve(const UpliftRows& rows, std::span<const double> tau);

/// The same with the truth known and no noise: area between the summed truth in the order of tau and the straight line,
/// over that in the order of the truth itself. 1: the same order; 0: random; NaN where the truth is one number.
double truth_qini(std::span<const double> tau, std::span<const double> truth);

/// How tau agrees with the truth on average, bin by bin of equally many rows in the order of tau.
struct UpliftCalibration {
  std::vector<double> tau, truth;  // [bins] means
  /// Of the truth on tau, by least squares over the bins; 1 and 0 for a calibrated tau. NaN where tau does not vary.
  double slope = 0.0, intercept = 0.0;
};

/// `truth`: the true effect of each row, or transformed_outcome(), whose mean in a bin is the truth's up to noise.
UpliftCalibration uplift_calibration(std::span<const double> tau, std::span<const double> truth, std::size_t bins = 10);

}  // namespace swipegym
