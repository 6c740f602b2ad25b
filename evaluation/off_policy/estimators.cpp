#include "evaluation/off_policy/estimators.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "core/error.h"
#include "core/validate.h"
#include "evaluation/metrics/undefined.h"
#include "evaluation/off_policy/user_bootstrap.h"
#include "evaluation/off_policy/users.h"

namespace swipegym {
namespace {

constexpr std::array<EstimatorInfo, 12> kEstimators = {{
    {Estimator::kDirect, "dm", true, false},
    {Estimator::kReplay, "replay", false, false},
    {Estimator::kIps, "ips", false, true},
    {Estimator::kSnips, "snips", false, false},
    {Estimator::kNcis, "ncis", false, true},
    {Estimator::kSubGaussian, "sub_gaussian", false, true},
    {Estimator::kDr, "dr", true, false},
    {Estimator::kSndr, "sndr", true, false},
    {Estimator::kSwitchDr, "switch_dr", true, true},
    {Estimator::kDros, "dros", true, true},
    {Estimator::kDrPessimistic, "dr_pessimistic", true, true},
    {Estimator::kSubGaussianDr, "sub_gaussian_dr", true, true},
}};

double sub_gaussian(double w, double lambda) noexcept {
  return w == 0.0 ? 0.0 : w / (1.0 - lambda + lambda * w);
}

// What stands for w in front of r, or of r - q_logged.
double shrunk_weight(Estimator estimator, double lambda, double w) noexcept {
  switch (estimator) {
    case Estimator::kIps:
    case Estimator::kNcis:
    case Estimator::kDrPessimistic:
      return std::min(w, lambda);
    case Estimator::kSubGaussian:
    case Estimator::kSubGaussianDr:
      return sub_gaussian(w, lambda);
    case Estimator::kSwitchDr:
      return w <= lambda ? w : 0.0;
    case Estimator::kDros:
      if (std::isinf(lambda)) return w;
      return w == 0.0 ? 0.0 : lambda * w / (w * w + lambda);
    default:
      return w;
  }
}

bool is_plain_mean(Estimator estimator) {
  return estimator != Estimator::kSnips && estimator != Estimator::kNcis && estimator != Estimator::kSndr &&
         estimator != Estimator::kReplay;
}

void count_weights(const AskedEstimate& ask, OffPolicyEstimate& out) {
  double sum = 0.0, squares = 0.0;
  if (ask.estimator == Estimator::kDirect) return;
  for (const OffPolicyRow& row : ask.rows) {
    const double w = ask.estimator == Estimator::kReplay ? terms_of(ask.estimator, 0.0, row).normaliser
                                                         : shrunk_weight(ask.estimator, ask.lambda, row.weight);
    sum += w, squares += w * w;
    out.max_weight = std::max(out.max_weight, w);
  }
  out.effective_rows = squares > 0.0 ? sum * sum / squares : 0.0;
}

// Throws InputError with the estimator's name and the first row with a number that is none.
void require_rows(std::string_view name, std::span<const OffPolicyRow> rows) {
  const auto require = [&](std::string_view what, std::size_t row, double value, bool holds, const char* expected) {
    if (!holds) detail::throw_invalid(fmt::format("{}: {}", name, what), row, value, expected);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const OffPolicyRow& row = rows[i];
    require("reward", i, row.reward, std::isfinite(row.reward), "a finite number");
    require("weight", i, row.weight, row.weight >= 0.0 && std::isfinite(row.weight), "a finite number of at least 0");
    require("propensity", i, row.propensity, row.propensity > 0.0 && row.propensity <= 1.0, "a probability above 0");
    require("q_logged", i, row.q_logged, std::isfinite(row.q_logged), "a finite number");
    require("q_policy", i, row.q_policy, std::isfinite(row.q_policy), "a finite number");
  }
}

struct MeanAndWidth {
  double mean = 0.0, width = 0.0;
};

// Student's t at .9 by its expansion in 1 / freedom (Fisher and Cornish).
double student_t90(double freedom) {
  constexpr double z = 1.2815515655446004, z3 = z * z * z;
  return z + (z3 + z) / (4.0 * freedom) + (5.0 * z3 * z * z + 16.0 * z3 + 3.0 * z) / (96.0 * freedom * freedom);
}

MeanAndWidth mean_and_width(Estimator estimator, double lambda, std::span<const OffPolicyRow> rows,
                            const DenseUsers& users) {
  std::vector<double> sum(users.count, 0.0), count(users.count, 0.0);
  double total = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const RowTerms terms = terms_of(estimator, lambda, rows[i]);
    sum[users.of_row[i]] += terms.direct + terms.correction;
    count[users.of_row[i]] += 1.0;
    total += terms.direct + terms.correction;
  }
  const auto n = static_cast<double>(rows.size()), g = static_cast<double>(users.count);
  MeanAndWidth out{.mean = total / n};
  double squares = 0.0;
  for (std::size_t u = 0; u < users.count; ++u) {
    const double error = sum[u] - count[u] * out.mean;
    squares += error * error;
  }
  out.width = student_t90(g - 1.0) * std::sqrt(squares * g / (g - 1.0)) / n;
  return out;
}

}  // namespace

std::span<const EstimatorInfo> estimator_infos() {
  return kEstimators;
}

const EstimatorInfo& info_of(Estimator estimator) {
  return kEstimators[static_cast<std::size_t>(estimator)];
}

RowTerms terms_of(Estimator estimator, double lambda, const OffPolicyRow& row) noexcept {
  const double w = shrunk_weight(estimator, lambda, row.weight);
  switch (estimator) {
    case Estimator::kDirect:
      return {row.q_policy, 0.0, 1.0};
    case Estimator::kReplay: {
      const double match = row.weight * row.propensity > 1.0 - 1e-9 ? 1.0 : 0.0;
      return {0.0, match * row.reward, match};
    }
    case Estimator::kIps:
    case Estimator::kSubGaussian:
      return {0.0, w * row.reward, 1.0};
    case Estimator::kSnips:
    case Estimator::kNcis:
      return {0.0, w * row.reward, w};
    case Estimator::kSndr:
      return {row.q_policy, w * (row.reward - row.q_logged), w};
    case Estimator::kDr:
    case Estimator::kSwitchDr:
    case Estimator::kDros:
    case Estimator::kDrPessimistic:
    case Estimator::kSubGaussianDr:
      return {row.q_policy, w * (row.reward - row.q_logged), 1.0};
  }
  return {};
}

double estimate(Estimator estimator, double lambda, std::span<const OffPolicyRow> rows) {
  check_setting(estimator, lambda);
  require_rows(info_of(estimator).name, rows);
  RowTerms sum{0.0, 0.0, 0.0};
  for (const OffPolicyRow& row : rows) {
    const RowTerms terms = terms_of(estimator, lambda, row);
    sum.direct += terms.direct, sum.correction += terms.correction, sum.normaliser += terms.normaliser;
  }
  if (rows.empty() || !(sum.normaliser > 0.0)) return kUndefined;
  return sum.direct / static_cast<double>(rows.size()) + sum.correction / sum.normaliser;
}

void check_setting(Estimator estimator, double lambda) {
  const EstimatorInfo& info = info_of(estimator);
  if (!info.has_setting) return;
  const bool share = estimator == Estimator::kSubGaussian || estimator == Estimator::kSubGaussianDr;
  if (!(lambda >= 0.0) || (share && lambda > 1.0))
    throw InputError(fmt::format("lambda of '{}' is {}, expected {}", info.name, lambda,
                                 share ? "0 to 1" : "a number that is not negative"));
}

double slope_setting(Estimator estimator, std::span<const double> lambdas, std::span<const OffPolicyRow> rows) {
  if (!info_of(estimator).has_setting || !is_plain_mean(estimator))
    throw std::invalid_argument(fmt::format("SLOPE has nothing to choose for '{}'", info_of(estimator).name));
  if (lambdas.empty()) throw InputError("SLOPE: no lambda to choose from");
  require_rows("SLOPE", rows);
  const DenseUsers users = dense_users(rows);
  if (users.count < 2) throw InputError("SLOPE needs rows of two users at least");
  struct Candidate {
    double lambda;
    MeanAndWidth estimate;
  };
  std::vector<Candidate> order;
  for (const double lambda : lambdas) {
    check_setting(estimator, lambda);
    order.push_back({lambda, mean_and_width(estimator, lambda, rows, users)});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Candidate& a, const Candidate& b) { return a.estimate.width > b.estimate.width; });
  const double slack = std::sqrt(6.0) - 1.0;
  for (std::size_t i = 1; i < order.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (std::abs(order[j].estimate.mean - order[i].estimate.mean) >
          order[i].estimate.width + slack * order[j].estimate.width)
        return order[i - 1].lambda;
  return order.back().lambda;
}

std::vector<double> lambda_grid(Estimator estimator, std::span<const OffPolicyRow> rows) {
  if (estimator == Estimator::kSubGaussian || estimator == Estimator::kSubGaussianDr)
    return {0.0, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0};
  require_rows("lambda_grid", rows);
  constexpr std::size_t kSteps = 12;
  double most = 1.0;
  for (const OffPolicyRow& row : rows) most = std::max(most, row.weight);
  // DRos has w / (1 + w^2 / lambda): lambda is to w^2 what a bound is to w, and ten times the largest hardly shrinks.
  const bool squared = estimator == Estimator::kDros;
  const double top = squared ? 10.0 * most * most : most;
  std::vector<double> grid = {kNoLimit};
  for (std::size_t i = kSteps; i-- > 0;)
    grid.push_back(std::pow(top, static_cast<double>(i) / static_cast<double>(kSteps - 1)));
  if (estimator != Estimator::kIps) grid.push_back(0.0);  // the direct method
  return grid;
}

std::vector<OffPolicyEstimate> estimate_with_intervals(std::span<const AskedEstimate> asked, RandomKey key,
                                                       const BootstrapOptions& options) {
  std::vector<OffPolicyEstimate> out;
  std::vector<RatioSums> sums;  // of each estimate: direct over rows, correction over normaliser
  for (const AskedEstimate& ask : asked) {
    check_setting(ask.estimator, ask.lambda);
    require_rows(ask.name, ask.rows);
    const DenseUsers users = dense_users(ask.rows);
    RatioSums& sum = sums.emplace_back();
    sum.ratios = 2;
    sum.top.resize(2 * users.count), sum.bottom.resize(2 * users.count);
    for (std::size_t i = 0; i < ask.rows.size(); ++i) {
      const RowTerms terms = terms_of(ask.estimator, ask.lambda, ask.rows[i]);
      const std::size_t user = 2 * static_cast<std::size_t>(users.of_row[i]);
      sum.top[user] += terms.direct, sum.bottom[user] += 1.0;
      sum.top[user + 1] += terms.correction, sum.bottom[user + 1] += terms.normaliser;
    }
    out.push_back({.name = ask.name, .lambda = ask.lambda, .value = {}});
    count_weights(ask, out.back());
  }
  const std::vector<Interval> intervals = studentised_intervals(sums, key, options);
  for (std::size_t i = 0; i < out.size(); ++i) out[i].value = intervals[i];
  return out;
}

}  // namespace swipegym
