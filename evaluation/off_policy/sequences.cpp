#include "evaluation/off_policy/sequences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "evaluation/metrics/undefined.h"
#include "evaluation/off_policy/users.h"

namespace swipegym {
namespace {

void require_steps(const char* name, const std::vector<double>& values, std::size_t steps, bool may_be_absent) {
  if (may_be_absent && values.empty()) return;
  if (values.size() != steps)
    throw InputError(fmt::format("logged trajectories: {} has {} values, expected {}", name, values.size(), steps));
  for (std::size_t i = 0; i < steps; ++i)
    if (!std::isfinite(values[i]))
      throw InputError(fmt::format("logged trajectories: {} of step {} is {}", name, i, values[i]));
}

void check_settings(const SequenceSettings& settings) {
  if (!(settings.discount >= 0.0 && settings.discount <= 1.0))
    throw InputError(fmt::format("discount is {}, expected 0 to 1", settings.discount));
}

// Calls visit(step of the trajectory, product of weights) for each of its steps.
template <class Visit>
void walk_products(const LoggedTrajectories& log, std::size_t trajectory, std::size_t window, const Visit& visit) {
  const std::size_t first = log.offset[trajectory], length = log.offset[trajectory + 1] - first;
  double whole = 1.0;
  for (std::size_t t = 0; t < length; ++t) {
    if (window == kWholePast) {
      visit(t, whole *= log.weight[first + t]);
      continue;
    }
    double product = 1.0;
    for (std::size_t k = t - std::min(t, window); k <= t; ++k) product *= log.weight[first + k];
    visit(t, product);
  }
}

std::size_t longest(const LoggedTrajectories& log) {
  std::size_t most = 0;
  for (std::size_t i = 0; i < log.size(); ++i) most = std::max(most, log.offset[i + 1] - log.offset[i]);
  return most;
}

// Sums over each user's trajectories, a row a step: products times discounted rewards, and products. The products of
// those that ended stand in every later step: with a window they are what is left inside it.
struct StepSums {
  std::size_t steps = 0, users = 0;
  std::vector<double> earned, product;  // [steps, users]
};

StepSums sum_steps(const LoggedTrajectories& log, const SequenceSettings& settings, const DenseUsers& users) {
  StepSums out{.steps = longest(log), .users = users.count, .earned = {}, .product = {}};
  out.earned.assign(out.steps * out.users, 0.0);
  out.product.assign(out.steps * out.users, 0.0);
  for (std::size_t i = 0; i < log.size(); ++i) {
    const std::size_t user = users.of_row[i], first = log.offset[i], length = log.offset[i + 1] - first;
    double discount = 1.0, last = 1.0;
    walk_products(log, i, settings.window, [&](std::size_t t, double product) {
      out.earned[t * out.users + user] += discount * product * log.reward[first + t];
      out.product[t * out.users + user] += product;
      discount *= settings.discount;
      last = product;
    });
    for (std::size_t t = length; t < out.steps; ++t) {
      if (settings.window != kWholePast) {
        last = 1.0;
        for (std::size_t k = t - std::min(t, settings.window); k < length; ++k) last *= log.weight[first + k];
      }
      out.product[t * out.users + user] += last;
    }
  }
  return out;
}

Measure mean_measure(std::span<const double> value, const DenseUsers& users) {
  std::vector<double> sum(users.count, 0.0), count(users.count, 0.0);
  for (std::size_t i = 0; i < value.size(); ++i) sum[users.of_row[i]] += value[i], count[users.of_row[i]] += 1.0;
  return {.items = users.count, .numerator = {sum.begin(), sum.end()}, .denominator = {count.begin(), count.end()}};
}

double mean_of(std::span<const double> values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

void check(const LoggedTrajectories& log) {
  if (log.offset.size() < 2 || log.offset.front() != 0) throw InputError("logged trajectories: there are none");
  for (std::size_t i = 0; i < log.size(); ++i)
    if (log.offset[i + 1] <= log.offset[i])
      throw InputError(fmt::format("logged trajectories: number {} has no step", i));
  const std::size_t steps = log.offset.back();
  require_steps("reward", log.reward, steps, false);
  require_steps("weight", log.weight, steps, false);
  require_steps("q_logged", log.q_logged, steps, true);
  require_steps("q_policy", log.q_policy, steps, true);
  for (std::size_t i = 0; i < steps; ++i)
    if (log.weight[i] < 0.0)
      throw InputError(
          fmt::format("logged trajectories: weight of step {} is {}, expected at least 0", i, log.weight[i]));
  if (log.q_logged.size() != log.q_policy.size())
    throw InputError("logged trajectories: q_logged and q_policy go together; one of them is absent");
  if (log.user.size() != log.size())
    throw InputError(fmt::format("logged trajectories: user has {} values, expected {}", log.user.size(), log.size()));
}

std::vector<double> per_decision_returns(const LoggedTrajectories& log, const SequenceSettings& settings) {
  check(log);
  check_settings(settings);
  std::vector<double> out(log.size(), 0.0);
  for (std::size_t i = 0; i < log.size(); ++i) {
    double discount = 1.0;
    walk_products(log, i, settings.window, [&](std::size_t t, double product) {
      out[i] += discount * product * log.reward[log.offset[i] + t];
      discount *= settings.discount;
    });
  }
  return out;
}

double weighted_per_decision(const LoggedTrajectories& log, const SequenceSettings& settings) {
  check(log);
  check_settings(settings);
  const StepSums sums = sum_steps(log, settings, dense_users(log.user));
  double value = 0.0;
  for (std::size_t t = 0; t < sums.steps; ++t) {
    double earned = 0.0, product = 0.0;
    for (std::size_t u = 0; u < sums.users; ++u)
      earned += sums.earned[t * sums.users + u], product += sums.product[t * sums.users + u];
    value += product > 0.0 ? earned / product : kUndefined;
  }
  return value;
}

std::vector<double> doubly_robust_returns(const LoggedTrajectories& log, double discount) {
  check(log);
  check_settings({.discount = discount});
  const bool model = !log.q_logged.empty();
  std::vector<double> out(log.size(), 0.0);
  for (std::size_t i = 0; i < log.size(); ++i)
    for (std::size_t t = log.offset[i + 1]; t-- > log.offset[i];)
      out[i] = (model ? log.q_policy[t] : 0.0) +
               log.weight[t] * (log.reward[t] + discount * out[i] - (model ? log.q_logged[t] : 0.0));
  return out;
}

std::vector<double> model_returns(const LoggedTrajectories& log) {
  check(log);
  std::vector<double> out;
  for (std::size_t i = 0; i < log.size(); ++i)
    out.push_back(log.q_policy.empty() ? kUndefined : log.q_policy[log.offset[i]]);
  return out;
}

SequenceEstimates estimate_sequences(const LoggedTrajectories& log, const SequenceSettings& settings, RandomKey key,
                                     const BootstrapOptions& options) {
  const std::vector<double> per_decision = per_decision_returns(log, settings);
  const DenseUsers users = dense_users(log.user);
  std::vector<Measure> measures = {mean_measure(per_decision, users)};
  const bool model = !log.q_policy.empty();
  std::vector<double> robust, alone;
  if (model) {
    robust = doubly_robust_returns(log, settings.discount), alone = model_returns(log);
    measures.push_back(mean_measure(robust, users)), measures.push_back(mean_measure(alone, users));
  }
  const std::size_t first_step = measures.size();
  const StepSums sums = sum_steps(log, settings, users);
  for (std::size_t t = 0; t < sums.steps; ++t) {
    const auto at = static_cast<std::ptrdiff_t>(t * sums.users), end = at + static_cast<std::ptrdiff_t>(sums.users);
    measures.push_back({.items = sums.users,
                        .numerator = {sums.earned.begin() + at, sums.earned.begin() + end},
                        .denominator = {sums.product.begin() + at, sums.product.begin() + end}});
  }
  const std::vector<std::vector<double>> resampled = bootstrap(measures, key, options);
  std::vector<double> weighted(options.resamples, 0.0);
  for (std::size_t m = first_step; m < measures.size(); ++m)
    for (std::size_t r = 0; r < weighted.size(); ++r) weighted[r] += resampled[m][r];
  SequenceEstimates out;
  out.per_decision = percentile_interval(mean_of(per_decision), resampled[0]);
  out.weighted = percentile_interval(weighted_per_decision(log, settings), std::move(weighted));
  const Interval none{kUndefined, kUndefined, kUndefined};
  out.doubly_robust = model ? percentile_interval(mean_of(robust), resampled[1]) : none;
  out.model = model ? percentile_interval(mean_of(alone), resampled[2]) : none;
  return out;
}

}  // namespace swipegym
