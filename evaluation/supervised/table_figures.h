#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// A figure of a table in the form that resampling users wants: everything it needs of each user, so that its value for
/// users counted with any weights takes one pass.
struct TableFigure {
  enum class Kind : std::uint8_t { kAbsent, kRatio, kRoot, kAuc, kGap, kTrend, kBinError };
  /// A row in the order of its score, for kAuc.
  struct RankedRow {
    std::uint32_t user = 0;
    bool positive = false, ends_tie = true;  // the next row has a higher score
  };

  Kind kind = Kind::kAbsent;
  std::vector<float> top, bottom;  // [users], or [groups, users]: sums whose ratio (or its root) is the figure
  std::vector<RankedRow> ranked;   // kAuc

  /// kRatio: sum of top / sum of bottom; kRoot: its square root; kAuc: area under the ROC curve; kGap: largest -
  /// smallest ratio of the groups; kTrend: Spearman's correlation of the groups' ratios with their number; kBinError:
  /// sum over groups of |sum of top| / sum of bottom. NaN where undefined.
  double value(std::span<const float> user_weight) const;
  /// Users who contribute.
  std::size_t users(std::size_t all_users) const;
};

/// Rows of `user` (dense) brought into a kAuc figure.
TableFigure make_auc_figure(std::span<const std::uint32_t> user, std::span<const float> score,
                            std::span<const std::uint8_t> positive);

/// The cut (score >= cut means positive) with the best F1; 0 when nothing is positive.
float best_f1_cut(std::span<const float> score, std::span<const std::uint8_t> positive);

/// Least squares y = a + b score; b is 0 where scores do not vary.
struct FittedLine {
  double a = 0.0, b = 0.0;
};
FittedLine fit_line(std::span<const float> score, std::span<const float> y);

/// Holm's step-down correction of p-values that are looked at together; NaN stays NaN and counts for nothing.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace swipegym
