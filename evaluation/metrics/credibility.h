#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// Observations in groups, such as what each upload of a creator brought. Columns of one length.
struct GroupedValues {
  std::vector<double> value;
  std::vector<double> weight;  // > 0; an observation's variance is `within` / weight
  std::vector<std::uint32_t> group;
};

/// What each group is expected to show next, shrunk to the mean of all.
struct Credibility {
  double mean = 0.0;
  double within = 0.0;        // variance of an observation of weight 1 round its group's mean
  double between = 0.0;       // variance of the groups' means
  std::vector<double> group;  // [groups]; the mean where a group has no observation
};

/// The credibility estimator of Buehlmann and Straub (1970): Z_g x_g + (1 - Z_g) m with Z_g = w_g / (w_g + within /
/// between), both variances by their unbiased estimators, a negative one counting as 0, and m weighted by Z_g. With no
/// variance between groups, or with fewer than two groups or no group of two observations, which tell no variances
/// apart, everybody has the mean of all. All 0 without observations. InputError for columns of other lengths, a group
/// that is not below `groups`, and a weight or value that is not a finite number, or a weight that is not above 0.
Credibility credible_means(const GroupedValues& values, std::size_t groups);

}  // namespace swipegym
