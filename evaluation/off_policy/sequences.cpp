#include "evaluation/off_policy/sequences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/validate.h"
#include "evaluation/metrics/undefined.h"
#include "evaluation/off_policy/user_bootstrap.h"
#include "evaluation/off_policy/users.h"

namespace swipegym {
namespace {

void require_steps(std::string_view name, const std::vector<double>& values, std::size_t steps) {
  require_size(name, values.size(), steps);
  for (std::size_t i = 0; i < steps; ++i)
    if (!std::isfinite(values[i])) throw InputError(fmt::format("{} of step {} is {}", name, i, values[i]));
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

// Sums over each user's trajectories, a ratio a step: products times discounted rewards, and products. The products of
// those that ended stand in every later step: with a window they are what is left inside it.
RatioSums sum_steps(const LoggedTrajectories& log, const SequenceSettings& settings, const DenseUsers& users) {
  RatioSums out;
  out.ratios = longest(log);
  out.top.assign(out.ratios * users.count, 0.0);
  out.bottom.assign(out.ratios * users.count, 0.0);
  for (std::size_t i = 0; i < log.size(); ++i) {
    const std::size_t at = users.of_row[i] * out.ratios, first = log.offset[i], length = log.offset[i + 1] - first;
    double discount = 1.0, last = 1.0;
    walk_products(log, i, settings.window, [&](std::size_t t, double product) {
      out.top[at + t] += discount * product * log.reward[first + t];
      out.bottom[at + t] += product;
      discount *= settings.discount;
      last = product;
    });
    for (std::size_t t = length; t < out.ratios; ++t) {
      if (settings.window != kWholePast) {
        last = 1.0;
        for (std::size_t k = t - std::min(t, settings.window); k < length; ++k) last *= log.weight[first + k];
      }
      out.bottom[at + t] += last;
    }
  }
  return out;
}

RatioSums sum_means(std::span<const double> value, const DenseUsers& users) {
  RatioSums out;
  out.top.assign(users.count, 0.0), out.bottom.assign(users.count, 0.0);
  for (std::size_t i = 0; i < value.size(); ++i)
    out.top[users.of_row[i]] += value[i], out.bottom[users.of_row[i]] += 1.0;
  return out;
}

}  // namespace

void check(const LoggedTrajectories& log) {
  if (log.offset.size() < 2 || log.offset.front() != 0) throw InputError("logged trajectories: there are none");
  for (std::size_t i = 0; i < log.size(); ++i)
    if (log.offset[i + 1] <= log.offset[i])
      throw InputError(fmt::format("logged trajectories: number {} has no step", i));
  const std::size_t steps = log.offset.back();
  require_steps("logged trajectories: reward", log.reward, steps);
  require_steps("logged trajectories: weight", log.weight, steps);
  if (!log.q_logged.empty()) require_steps("logged trajectories: q_logged", log.q_logged, steps);
  if (!log.q_policy.empty()) require_steps("logged trajectories: q_policy", log.q_policy, steps);
  for (std::size_t i = 0; i < steps; ++i)
    if (log.weight[i] < 0.0)
      throw InputError(
          fmt::format("logged trajectories: weight of step {} is {}, expected at least 0", i, log.weight[i]));
  if (log.q_logged.size() != log.q_policy.size())
    throw InputError("logged trajectories: q_logged and q_policy go together; one of them is absent");
  require_size("logged trajectories: user", log.user.size(), log.size());
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
  const RatioSums sums = sum_steps(log, settings, dense_users(log.user));
  double value = 0.0;
  for (std::size_t t = 0; t < sums.ratios; ++t) {
    double earned = 0.0, product = 0.0;
    for (std::size_t at = t; at < sums.top.size(); at += sums.ratios)
      earned += sums.top[at], product += sums.bottom[at];
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
  const DenseUsers users = dense_users(log.user);
  std::vector<RatioSums> sums = {sum_means(per_decision_returns(log, settings), users),
                                 sum_steps(log, settings, users)};
  if (!log.q_policy.empty()) {
    sums.push_back(sum_means(doubly_robust_returns(log, settings.discount), users));
    sums.push_back(sum_means(model_returns(log), users));
  }
  std::vector<Interval> found = studentised_intervals(sums, key, options);
  found.resize(4, {kUndefined, kUndefined, kUndefined});
  return {.per_decision = found[0], .weighted = found[1], .doubly_robust = found[2], .model = found[3]};
}

}  // namespace swipegym
