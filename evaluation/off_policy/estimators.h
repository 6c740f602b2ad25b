#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "evaluation/metrics/bootstrap.h"
#include "evaluation/off_policy/logged_choices.h"

namespace swipegym {

/// Estimators of E[r] had the judged policy chosen, from rows the logging policy chose (docs/guide/off_policy.md).
enum class Estimator : std::uint8_t {
  kDirect,         // DM: mean of q_policy
  kReplay,         // mean reward of the rows where a deterministic policy chooses the logged action
  kIps,            // mean of min(w, lambda) r; lambda infinite: unbiased
  kSnips,          // sum of w r / sum of w
  kNcis,           // the same with min(w, lambda)
  kSubGaussian,    // mean of w / (1 - lambda + lambda w) r, lambda in [0, 1]
  kDr,             // mean of q_policy + w (r - q_logged)
  kSndr,           // DR with the correction divided by the mean weight
  kSwitchDr,       // DR corrected only where w <= lambda
  kDros,           // DR with lambda w / (w^2 + lambda) for w
  kDrPessimistic,  // DR with min(w, lambda) for w
  kSubGaussianDr,  // DR with w / (1 - lambda + lambda w) for w
};

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct EstimatorInfo {
  Estimator estimator;
  std::string_view name;
  bool uses_model;   // needs q^
  bool has_setting;  // looks at lambda
};
/// All of them, in the order above.
std::span<const EstimatorInfo> estimator_infos();
const EstimatorInfo& info_of(Estimator estimator);

/// What a row adds. The estimate is sum(direct) / rows + sum(correction) / sum(normaliser).
struct RowTerms {
  double direct = 0.0, correction = 0.0, normaliser = 1.0;
};
RowTerms terms_of(Estimator estimator, double lambda, const OffPolicyRow& row) noexcept;

/// NaN where it is not defined: no row, or no weight to normalise by.
double estimate(Estimator estimator, double lambda, std::span<const OffPolicyRow> rows);

/// Throws InputError when lambda is outside the estimator's range.
void check_setting(Estimator estimator, double lambda);

/// The lambda that SLOPE prefers among `lambdas` (Su, Srinath & Krishnamurthy, "Adaptive estimator selection for
/// off-policy evaluation", ICML 2020; as the Open Bandit Pipeline has it after Tucker & Lee 2021): estimates are put in
/// order of falling width, and the last one is taken that agrees with all before it within their widths. The width is
/// Student's one-sided bound (10 %) of the mean of a row's terms, with users, not rows, for independent draws. For
/// estimators whose bias grows as their variance falls along the lambdas, and that are plain means: not kSnips, kNcis,
/// kSndr, kReplay. Needs two users.
double slope_setting(Estimator estimator, std::span<const double> lambdas, std::span<const OffPolicyRow> rows);

/// Lambdas for SLOPE to choose from: they span from hardly any weight to all of it, given the weights there are.
std::vector<double> lambda_grid(Estimator estimator, std::span<const OffPolicyRow> rows);

/// One line of a table.
struct OffPolicyEstimate {
  std::string_view name;  // as in estimator_infos(), or "mrdr", "ips_slope", ...
  double lambda = kNoLimit;
  Interval value;  // 95 %, by a studentised bootstrap over users
  // Of the weights as the estimator uses them; 0 where it uses none.
  double effective_rows = 0.0, max_weight = 0.0;
};

/// An estimator with the rows it looks at; several may share rows. The rows of all asked at once must name the same
/// users.
struct AskedEstimate {
  std::string_view name;
  Estimator estimator = Estimator::kIps;
  double lambda = kNoLimit;
  std::span<const OffPolicyRow> rows;
};
std::vector<OffPolicyEstimate> estimate_with_intervals(std::span<const AskedEstimate> asked, RandomKey key,
                                                       const BootstrapOptions& options = {});

}  // namespace swipegym
