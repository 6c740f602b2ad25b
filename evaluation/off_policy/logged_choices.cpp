#include "evaluation/off_policy/logged_choices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr double kSumTolerance = 1e-4;  // probabilities may come from float scores

void require_numbers(const char* name, std::span<const double> values, std::size_t columns) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      throw InputError(fmt::format("logged choices: {} of row {} is {}", name, i / columns, values[i]));
}

void check_choices(const LoggedChoices& c) {
  const std::size_t rows = c.reward.size(), m = c.actions;
  if (m == 0) throw InputError("logged choices: no action to choose from");
  if (rows == 0) throw InputError("logged choices: no row");
  require_size("logged choices: action", c.action.size(), rows);
  require_size("logged choices: propensity", c.propensity.size(), rows);
  require_size("logged choices: evaluation", c.evaluation.size(), rows * m);
  require_size("logged choices: user", c.user.size(), rows);
  if (!c.q_hat.empty()) require_size("logged choices: q_hat", c.q_hat.size(), rows * m);
  require_numbers("reward", c.reward, 1);
  require_numbers("evaluation", c.evaluation, m);
  require_numbers("q_hat", c.q_hat, m);
  for (std::size_t row = 0; row < rows; ++row) {
    if (c.action[row] < 0 || static_cast<std::size_t>(c.action[row]) >= m)
      throw InputError(
          fmt::format("logged choices: action of row {} is {}, expected 0 to {}", row, c.action[row], m - 1));
    if (!(c.propensity[row] > 0.0 && c.propensity[row] <= 1.0))
      throw InputError(fmt::format("logged choices: propensity of row {} is {}, expected a probability above 0", row,
                                   c.propensity[row]));
    double sum = 0.0;
    for (const double p : c.evaluation.subspan(row * m, m)) {
      if (p < 0.0) throw InputError(fmt::format("logged choices: evaluation of row {} holds {}", row, p));
      sum += p;
    }
    if (std::abs(sum - 1.0) > kSumTolerance)
      throw InputError(fmt::format("logged choices: evaluation of row {} sums to {}, expected 1", row, sum));
  }
}

}  // namespace

std::vector<OffPolicyRow> off_policy_rows(const LoggedChoices& choices) {
  check_choices(choices);
  const std::size_t m = choices.actions;
  std::vector<OffPolicyRow> rows(choices.reward.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t logged = i * m + static_cast<std::size_t>(choices.action[i]);
    OffPolicyRow& row = rows[i];
    row.reward = choices.reward[i];
    row.propensity = choices.propensity[i];
    row.weight = choices.evaluation[logged] / row.propensity;
    row.user = choices.user[i];
    if (choices.q_hat.empty()) continue;
    row.q_logged = choices.q_hat[logged];
    for (std::size_t a = 0; a < m; ++a) row.q_policy += choices.evaluation[i * m + a] * choices.q_hat[i * m + a];
  }
  return rows;
}

WeightDiagnostics diagnose(std::span<const OffPolicyRow> rows) {
  WeightDiagnostics out{.rows = rows.size()};
  double sum = 0.0, squares = 0.0;
  std::vector<std::uint32_t> users;
  for (const OffPolicyRow& row : rows) {
    sum += row.weight, squares += row.weight * row.weight;
    out.max_weight = std::max(out.max_weight, row.weight);
    users.push_back(row.user);
  }
  std::sort(users.begin(), users.end());
  out.users = static_cast<std::size_t>(std::unique(users.begin(), users.end()) - users.begin());
  out.effective_rows = squares > 0.0 ? sum * sum / squares : 0.0;
  out.mean_weight = rows.empty() ? 0.0 : sum / static_cast<double>(rows.size());
  return out;
}

double mrdr_weight(const OffPolicyRow& row) noexcept {
  return row.weight * (1.0 - row.propensity) / row.propensity;
}

}  // namespace swipegym
