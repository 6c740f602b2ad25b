#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "evaluation/metrics/bootstrap.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {

/// What an estimator says: of each row, and of all rows together.
struct UpliftEstimate {
  std::string_view name;
  std::vector<double> tau;        // [rows] by how much Y rises for one treatment, or for one more watch
  Interval average;               // of the effect over the rows, with a 95 % interval by creators
  double standard_error = 0.0;    // of the average
  std::vector<double> influence;  // [rows] the average's influence function: mean 0, its sums by creator give the error
  /// How sure it is that the instrument moves W at all: (its effect over its standard error)^2, errors by creators.
  /// Below 10 the interval promises too much (Stock & Yogo 2005). NaN where no instrument is used.
  double first_stage = kUndefined;
};

/// The standard error of a mean over rows with these influences, of which those of one creator may go together:
/// sqrt(G / (G - 1) sum_g (sum in g)^2) / rows, G creators (Liang & Zeger 1986).
double clustered_error(std::span<const double> influence, std::span<const std::uint32_t> creator);

/// Fills average and standard_error in from `mean` and the influences: mean +- t(.975, G - 1) standard errors.
void set_average(UpliftEstimate& estimate, double mean, std::span<const std::uint32_t> creator);

/// Of the coin's effects on Y and on W, the effect of a watch (Wald 1940): the ratio of the averages with its interval
/// by the delta method, and a row's ratio drawn towards it where the coin hardly moves the row's W: tau = (tau_Y tau_W
/// + l R) / (tau_W^2 + l), R the ratio of the averages and l the square of `pull` times the average of tau_W. NaN
/// everywhere where that average is not above 0.
UpliftEstimate per_watch(const UpliftEstimate& on_outcome, const UpliftEstimate& on_exposure,
                         std::span<const std::uint32_t> creator, double pull = 0.3);

}  // namespace swipegym
