#pragma once

#include "evaluation/supervised/supervised_tables.h"

namespace swipegym {

/// One line a head of each multi-task policy among `policies`: how well its probability ranks and foretells the answer
/// on the standard rows of the test days whose label is known, as of the last of these days. GAUC is within users,
/// weighted by their rows; the calibration error is over 15 bins of equal mass (evaluation/metrics/binary_score.h). No
/// lines where no policy is one.
SupervisedTable make_head_table(const std::vector<TabledPolicy>& policies, const Dataset& data,
                                const SupervisedTableConfig& config);

}  // namespace swipegym
