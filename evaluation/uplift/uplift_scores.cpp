#include "evaluation/uplift/uplift_scores.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

#include "core/validate.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

// Rows by falling value; equal ones keep their order.
std::vector<std::uint32_t> falling_order(std::span<const double> values) {
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return values[a] > values[b]; });
  return order;
}

// Calls use(row) for the rows by falling value, and tie(rows until now) after the last of those that are equal.
template <class Use, class Tie>
void by_falling(std::span<const double> values, const Use& use, const Tie& tie) {
  const std::vector<std::uint32_t> order = falling_order(values);
  for (std::size_t i = 0; i < order.size(); ++i) {
    use(order[i]);
    if (i + 1 == order.size() || values[order[i + 1]] != values[order[i]]) tie(i + 1);
  }
}

// Between a curve and the straight line from its first to its last point, by trapezoids.
double area_above_line(std::span<const double> x, std::span<const double> y) {
  double area = 0.0;
  for (std::size_t i = 1; i < x.size(); ++i) area += 0.5 * (x[i] - x[i - 1]) * (y[i] + y[i - 1]);
  return area - 0.5 * (x.back() - x.front()) * (y.back() + y.front());
}

QiniCurve qini_of(const UpliftRows& rows, std::span<const double> order_by) {
  double heads_total = 0.0, heads_rows = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows.treated[i] != 0) heads_total += inverse_propensity(rows, i), heads_rows += 1.0;
  const double scale = heads_rows > 0.0 ? heads_rows / heads_total : 0.0;
  const auto n = static_cast<double>(rows.size());
  QiniCurve out{.share = {0.0}, .gain = {0.0}};
  double heads = 0.0, tails = 0.0, of_heads = 0.0, of_tails = 0.0;
  by_falling(
      order_by,
      [&](std::uint32_t row) {
        const double weight = scale * inverse_propensity(rows, row);
        (rows.treated[row] != 0 ? heads : tails) += weight;
        (rows.treated[row] != 0 ? of_heads : of_tails) += weight * rows.outcome[row];
      },
      [&](std::size_t rows_until) {
        out.share.push_back(static_cast<double>(rows_until) / n);
        out.gain.push_back((of_heads - (tails > 0.0 ? of_tails * heads / tails : 0.0)) / n);
      });
  out.area = area_above_line(out.share, out.gain);
  return out;
}

double truth_area(std::span<const double> order_by, std::span<const double> truth) {
  std::vector<double> share = {0.0}, gain = {0.0};
  const auto n = static_cast<double>(truth.size());
  double sum = 0.0;
  by_falling(
      order_by, [&](std::uint32_t row) { sum += truth[row] / n; },
      [&](std::size_t rows) { share.push_back(static_cast<double>(rows) / n), gain.push_back(sum); });
  return area_above_line(share, gain);
}

double ratio_or_none(double top, double bottom) {
  return bottom > 0.0 ? top / bottom : kUndefined;
}

void check_pair(std::string_view name, std::span<const double> tau, std::span<const double> truth) {
  require_size(std::string(name) + ": truth", truth.size(), tau.size());
  require_finite(std::string(name) + ": tau", tau);
  require_finite(std::string(name) + ": truth", truth);
}

}  // namespace

double pehe(std::span<const double> tau, std::span<const double> truth) {
  check_pair("pehe", tau, truth);
  double sum = 0.0;
  for (std::size_t i = 0; i < tau.size(); ++i) sum += (tau[i] - truth[i]) * (tau[i] - truth[i]);
  return std::sqrt(sum / static_cast<double>(tau.size()));
}

QiniCurve qini_curve(const UpliftRows& rows, std::span<const double> tau) {
  rows.validate();
  require_size("qini: tau", tau.size(), rows.size());
  require_finite("qini: tau", tau);
  std::vector<double> best(rows.size());
  for (std::size_t i = 0; i < best.size(); ++i) best[i] = (rows.treated[i] != 0 ? 1.0 : -1.0) * rows.outcome[i];
  QiniCurve out = qini_of(rows, tau);
  out.coefficient = ratio_or_none(out.area, qini_of(rows, best).area);
  return out;
}

double truth_qini(std::span<const double> tau, std::span<const double> truth) {
  check_pair("truth_qini", tau, truth);
  const double best = truth_area(truth, truth);
  // What rounding leaves of one number for all is no order.
  double size = 0.0;
  for (const double value : truth) size = std::max(size, std::abs(value));
  return best > 1e-12 * size ? truth_area(tau, truth) / best : kUndefined;
}

UpliftCalibration uplift_calibration(std::span<const double> tau, std::span<const double> truth, std::size_t bins) {
  check_pair("uplift_calibration", tau, truth);
  require_that("uplift_calibration: bins", bins > 0, "at least 1");
  std::vector<std::uint32_t> order = falling_order(tau);
  std::reverse(order.begin(), order.end());
  UpliftCalibration out;
  std::vector<double> rows;
  for (std::size_t b = 0; b < bins; ++b) {
    const std::size_t first = b * order.size() / bins, end = (b + 1) * order.size() / bins;
    if (first == end) continue;
    double of_tau = 0.0, of_truth = 0.0;
    for (std::size_t i = first; i < end; ++i) of_tau += tau[order[i]], of_truth += truth[order[i]];
    rows.push_back(static_cast<double>(end - first));
    out.tau.push_back(of_tau / rows.back()), out.truth.push_back(of_truth / rows.back());
  }
  const double total = static_cast<double>(order.size());
  double mean_tau = 0.0, mean_truth = 0.0, spread = 0.0, together = 0.0, size = 0.0;
  for (std::size_t b = 0; b < rows.size(); ++b) {
    mean_tau += rows[b] / total * out.tau[b], mean_truth += rows[b] / total * out.truth[b];
    size = std::max(size, std::abs(out.tau[b]));
  }
  for (std::size_t b = 0; b < rows.size(); ++b) {
    spread += rows[b] / total * (out.tau[b] - mean_tau) * (out.tau[b] - mean_tau);
    together += rows[b] / total * (out.tau[b] - mean_tau) * (out.truth[b] - mean_truth);
  }
  const bool varies = std::sqrt(spread) > 1e-12 * size;
  out.slope = varies ? together / spread : kUndefined;
  out.intercept = varies ? mean_truth - out.slope * mean_tau : kUndefined;
  return out;
}

}  // namespace swipegym
