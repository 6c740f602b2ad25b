#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// Logged choices among m actions as plain arrays, row-major: what a log must say for its rows to judge a policy that
/// did not make them.
struct LoggedChoices {
  std::size_t actions = 0;               // m
  std::span<const double> reward;        // [rows]
  std::span<const std::int32_t> action;  // [rows], in [0, m)
  std::span<const double> propensity;    // [rows], in (0, 1]: the chance the logging policy gave the action
  std::span<const double> evaluation;    // [rows, m]: the judged policy's probabilities, 1 a row
  std::span<const double> q_hat;         // [rows, m]: expected rewards by a model; empty: no model, 0 everywhere
  std::span<const std::uint32_t> user;   // [rows]: what a bootstrap resamples
};

/// All that estimators of one-step values need of a row, whatever the number of actions.
struct OffPolicyRow {
  double reward = 0.0;
  double weight = 0.0;      // w = pi_e(a | x) / pi_b(a | x)
  double propensity = 1.0;  // pi_b(a | x)
  double q_logged = 0.0;    // q^(x, a) of the logged action
  double q_policy = 0.0;    // sum over actions of pi_e(a | x) q^(x, a)
  std::uint32_t user = 0;
};

/// Throws InputError naming the array, the row and the value for sizes that do not fit, an action out of range, a
/// propensity outside (0, 1], probabilities that do not sum to 1, or a number that is none.
std::vector<OffPolicyRow> off_policy_rows(const LoggedChoices& choices);

/// How much of a log speaks of the judged policy.
struct WeightDiagnostics {
  std::size_t rows = 0, users = 0;
  double effective_rows = 0.0;  // ESS = (sum w)^2 / sum w^2
  double max_weight = 0.0;
  double mean_weight = 0.0;  // about 1 where propensities are right and the judged policy stays where they are > 0
};
WeightDiagnostics diagnose(std::span<const OffPolicyRow> rows);

/// The weight each row has in the least squares that fit MRDR's q^ (Farajtabar, Chow & Ghavamzadeh, "More robust doubly
/// robust off-policy evaluation", ICML 2018): pi_e(a | x) (1 - pi_b(a | x)) / pi_b(a | x)^2 of the logged action, which
/// makes the fit care where DR's variance comes from.
double mrdr_weight(const OffPolicyRow& row) noexcept;

}  // namespace swipegym
