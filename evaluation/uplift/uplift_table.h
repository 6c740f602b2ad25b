#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "evaluation/uplift/uplift_estimate.h"
#include "evaluation/uplift/uplift_rows.h"
#include "evaluation/uplift/uplift_settings.h"

namespace swipegym {

/// One estimator's line of a table, all for one more watch.
struct UpliftLine {
  std::string name;
  UpliftEstimate estimate;
  // Against the truth; NaN where that is not known.
  double pehe = kUndefined, truth_qini = kUndefined, slope = kUndefined, intercept = kUndefined;
  double qini = kUndefined;  // from the rows themselves
  /// What the average should be: the mean of the truth, rows counted by how many watches the coin brings them (by the
  /// X-learner), as every estimator but the naive one counts them. A watch that no row got tells nothing.
  double average_truth = kUndefined;
};

/// Every estimator of the same rows: the naive regression, difference of means (for all alike, and in five strata of
/// feature `strata_by` where there is one), S-, T- and X-learner and the transformed outcome, each divided by what the
/// coin does to the watches, then the coin and, where `rows` have them, the random shows as instruments. `truth`:
/// [rows], by how much one more watch raises Y; or empty. Throws InputError for rows without W.
std::vector<UpliftLine> uplift_table(const UpliftRows& rows, std::span<const double> truth,
                                     const UpliftSettings& settings, RandomKey key, std::size_t strata_by = 0);

}  // namespace swipegym
