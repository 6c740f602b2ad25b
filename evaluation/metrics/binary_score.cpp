#include "evaluation/metrics/binary_score.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/validate.h"
#include "evaluation/metrics/clustered_share.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

// Row numbers ordered by value; rows with equal values keep their order.
template <class T>
std::vector<std::uint32_t> stable_order(std::span<const T> values) {
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  return order;
}

// AUC of the rows `order` (ascending by score): each positive beats the negatives below it and half of those tied with
// it.
double auc_of_ordered(std::span<const std::uint32_t> order, std::span<const float> scores,
                      std::span<const std::uint8_t> labels) {
  double wins = 0.0, positives = 0.0, negatives = 0.0;
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    double tied_positives = 0.0;
    for (end = first; end < order.size() && scores[order[end]] == scores[order[first]]; ++end)
      tied_positives += labels[order[end]] != 0;
    const double tied_negatives = static_cast<double>(end - first) - tied_positives;
    wins += tied_positives * (negatives + 0.5 * tied_negatives);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  return positives > 0.0 && negatives > 0.0 ? wins / (positives * negatives) : kUndefined;
}

}  // namespace

std::vector<double> mid_ranks(std::span<const float> values) {
  require_finite("mid_ranks: value", values);
  const std::vector<std::uint32_t> order = stable_order(values);
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    for (end = first; end < order.size() && values[order[end]] == values[order[first]];) ++end;
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = 0.5 * static_cast<double>(first + 1 + end);
  }
  return ranks;
}

double auc(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  require_size("auc: label", labels.size(), scores.size());
  require_finite("auc: score", scores);
  return auc_of_ordered(stable_order(scores), scores, labels);
}

double gauc(std::span<const std::uint32_t> groups, std::span<const float> scores,
            std::span<const std::uint8_t> labels) {
  require_size("gauc: group", groups.size(), scores.size());
  require_size("gauc: label", labels.size(), scores.size());
  require_finite("gauc: score", scores);
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (groups[a] != groups[b]) return groups[a] < groups[b];
    return scores[a] != scores[b] ? scores[a] < scores[b] : a < b;
  });
  double weighted = 0.0, weight = 0.0;
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    for (end = first; end < order.size() && groups[order[end]] == groups[order[first]];) ++end;
    const double area = auc_of_ordered(std::span(order).subspan(first, end - first), scores, labels);
    if (std::isnan(area)) continue;
    weighted += static_cast<double>(end - first) * area;
    weight += static_cast<double>(end - first);
  }
  return weight > 0.0 ? weighted / weight : kUndefined;
}

double log_loss(std::span<const float> probabilities, std::span<const std::uint8_t> labels) {
  require_size("log_loss: label", labels.size(), probabilities.size());
  require_finite("log_loss: probability", probabilities);
  double sum = 0.0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double p = std::clamp<double>(probabilities[i], 1e-7, 1.0 - 1e-7);
    sum -= std::log(labels[i] != 0 ? p : 1.0 - p);
  }
  return labels.empty() ? kUndefined : sum / static_cast<double>(labels.size());
}

double expected_calibration_error(std::span<const float> probabilities, std::span<const std::uint8_t> labels,
                                  std::size_t bins) {
  require_size("expected_calibration_error: label", labels.size(), probabilities.size());
  require_finite("expected_calibration_error: probability", probabilities);
  require_that("expected_calibration_error: bins", bins > 0, "at least one");
  const std::vector<std::uint32_t> order = stable_order(probabilities);
  const std::size_t rows = order.size(), small = rows / bins,
                    larger = rows % bins;  // the first `larger` bins hold one more
  double error = 0.0;
  for (std::size_t bin = 0, row = 0; bin < bins; ++bin) {
    const std::size_t end = row + small + (bin < larger ? 1 : 0);
    double difference = 0.0;
    for (; row < end; ++row) difference += (labels[order[row]] != 0 ? 1.0 : 0.0) - probabilities[order[row]];
    error += std::abs(difference);
  }
  return rows == 0 ? kUndefined : error / static_cast<double>(rows);
}

std::vector<ReliabilityBin> reliability_bins(std::span<const std::uint32_t> users, std::span<const float> probabilities,
                                             std::span<const std::uint8_t> labels, std::size_t bins) {
  require_size("reliability_bins: user", users.size(), probabilities.size());
  require_size("reliability_bins: label", labels.size(), probabilities.size());
  require_finite("reliability_bins: probability", probabilities);
  require_that("reliability_bins: bins", bins > 0, "at least one");
  const std::vector<std::uint32_t> order = stable_order(probabilities);
  bins = std::min(bins, order.size());
  std::vector<ReliabilityBin> out;
  for (std::size_t bin = 0, row = 0; bin < bins; ++bin) {
    const std::size_t end = order.size() * (bin + 1) / bins;
    ReliabilityBin one{.rows = end - row, .rate = {}};
    std::vector<std::uint32_t> user;
    std::vector<float> label;
    for (; row < end; ++row) {
      one.expected += probabilities[order[row]];
      user.push_back(users[order[row]]);
      label.push_back(labels[order[row]] != 0 ? 1.0F : 0.0F);
    }
    one.expected /= static_cast<double>(one.rows);
    one.rate = clustered_share(user, label);
    out.push_back(one);
  }
  return out;
}

BinaryScore score_binary(std::span<const std::uint32_t> groups, std::span<const float> probabilities,
                         std::span<const std::uint8_t> labels) {
  require_size("score_binary: group", groups.size(), probabilities.size());
  require_size("score_binary: label", labels.size(), probabilities.size());
  require_finite("score_binary: probability", probabilities);
  const double rows = static_cast<double>(labels.size());
  double positives = 0.0, expected = 0.0;
  for (std::size_t i = 0; i < labels.size(); ++i) positives += labels[i] != 0, expected += probabilities[i];
  return {.auc = auc(probabilities, labels),
          .gauc = gauc(groups, probabilities, labels),
          .logloss = log_loss(probabilities, labels),
          .ece = expected_calibration_error(probabilities, labels),
          .rate = labels.empty() ? kUndefined : positives / rows,
          .expected_rate = labels.empty() ? kUndefined : expected / rows};
}

}  // namespace swipegym
