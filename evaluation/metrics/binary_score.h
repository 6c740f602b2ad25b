#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

// Every metric throws InputError with its name and the row of a value that is not finite, or the lengths that differ.

/// 1-based ranks of the values; equal values share the mean of their ranks.
std::vector<double> mid_ranks(std::span<const float> values);

/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half. NaN when one of
/// the two classes is absent.
double auc(std::span<const float> scores, std::span<const std::uint8_t> labels);

/// AUC within each group (say, a user's rows), averaged over the groups that hold both classes with their number of
/// rows as weight. NaN when no group does.
double gauc(std::span<const std::uint32_t> groups, std::span<const float> scores, std::span<const std::uint8_t> labels);

/// Mean negative log likelihood in nats; probabilities are clipped to [1e-7, 1 - 1e-7].
double log_loss(std::span<const float> probabilities, std::span<const std::uint8_t> labels);

/// Expected calibration error: rows in the order of their probability, cut into `bins` equal-mass bins (rare signals
/// would all fall into the first equal-width one), |mean label - mean probability| averaged over rows.
double expected_calibration_error(std::span<const float> probabilities, std::span<const std::uint8_t> labels,
                                  std::size_t bins = 15);

/// A bin of a reliability diagram: what was promised, and what came.
struct ReliabilityBin {
  std::uint64_t rows = 0;
  double expected = 0.0;  // mean probability
  Interval rate;          // of positive labels, clustered by user (clustered_share)
};

/// Rows in the order of their probability, cut into `bins` of equal mass as for the calibration error; users are dense.
/// Fewer bins where there are fewer rows.
std::vector<ReliabilityBin> reliability_bins(std::span<const std::uint32_t> users, std::span<const float> probabilities,
                                             std::span<const std::uint8_t> labels, std::size_t bins = 10);

/// Everything a table says of one predicted signal.
struct BinaryScore {
  double auc = 0.0;
  double gauc = 0.0;
  double logloss = 0.0;
  double ece = 0.0;
  double rate = 0.0;           // share of positive labels
  double expected_rate = 0.0;  // mean probability
};

/// All-NaN without rows.
BinaryScore score_binary(std::span<const std::uint32_t> groups, std::span<const float> probabilities,
                         std::span<const std::uint8_t> labels);

}  // namespace swipegym
