#include "env/tabular/tabular_mdp.h"

#include <fmt/core.h>

#include <Eigen/LU>
#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/error.h"

namespace swipegym {
namespace {

constexpr double kSumTolerance = 1e-9;

void require_tabular(bool holds, const std::string& message) {
  if (!holds) throw InputError("a tabular decision process: " + message);
}

// R(s, a) + discount * sum over s' of P(s' | s, a) V(s').
double back_up(const TabularMdp& mdp, std::size_t pair, std::span<const double> values) {
  const double* row = mdp.transition.data() + pair * mdp.states;
  double next = 0.0;
  for (std::size_t s = 0; s < mdp.states; ++s) next += row[s] * values[s];
  return mdp.reward[pair] + mdp.discount * next;
}

}  // namespace

void tabulate(TabularMdp& mdp) {
  require_tabular(mdp.states > 0 && mdp.actions > 0 && mdp.branches > 0, "it has no states, actions or outcomes");
  require_tabular(mdp.discount >= 0.0 && mdp.discount < 1.0,
                  fmt::format("the discount is {}, expected a number from 0 to below 1", mdp.discount));
  require_tabular(mdp.outcome.size() == mdp.pairs() * mdp.branches && mdp.start.size() == mdp.states,
                  fmt::format("{} outcomes and {} starts for {} pairs with {} outcomes each and {} states",
                              mdp.outcome.size(), mdp.start.size(), mdp.pairs(), mdp.branches, mdp.states));
  double begins = 0.0;
  for (const double share : mdp.start) begins += share;
  require_tabular(std::abs(begins - 1.0) < kSumTolerance, fmt::format("its starts sum to {}, expected 1", begins));

  mdp.transition.assign(mdp.pairs() * mdp.states, 0.0);
  mdp.reward.assign(mdp.pairs(), 0.0);
  for (std::size_t pair = 0; pair < mdp.pairs(); ++pair) {
    double total = 0.0;
    for (std::size_t k = 0; k < mdp.branches; ++k) {
      const TabularOutcome& one = mdp.outcome[pair * mdp.branches + k];
      require_tabular(one.probability >= 0.0 && one.next >= -1 && one.next < static_cast<std::int32_t>(mdp.states),
                      fmt::format("state {}, action {}: an outcome of probability {} leads to state {}",
                                  pair / mdp.actions, pair % mdp.actions, one.probability, one.next));
      total += one.probability;
      mdp.reward[pair] += one.probability * one.reward;
      if (one.next >= 0) mdp.transition[pair * mdp.states + static_cast<std::size_t>(one.next)] += one.probability;
    }
    require_tabular(std::abs(total - 1.0) < kSumTolerance,
                    fmt::format("state {}, action {}: probabilities sum to {}, expected 1", pair / mdp.actions,
                                pair % mdp.actions, total));
  }
}

SolvedMdp iterate_values(const TabularMdp& mdp, double tolerance) {
  SolvedMdp solved;
  solved.q.assign(mdp.pairs(), 0.0);
  std::vector<double> values(mdp.states, 0.0);
  do {
    double change = 0.0;
    for (std::size_t pair = 0; pair < mdp.pairs(); ++pair) {
      const double value = back_up(mdp, pair, values);
      change = std::max(change, std::abs(value - solved.q[pair]));
      solved.q[pair] = value;
    }
    for (std::size_t s = 0; s < mdp.states; ++s) {
      const auto first = solved.q.begin() + static_cast<std::ptrdiff_t>(s * mdp.actions);
      values[s] = *std::max_element(first, first + static_cast<std::ptrdiff_t>(mdp.actions));
    }
    solved.bound = mdp.discount / (1.0 - mdp.discount) * change;
    ++solved.iterations;
  } while (solved.bound > tolerance);
  return solved;
}

std::vector<std::int32_t> greedy_actions(const TabularMdp& mdp, std::span<const double> q) {
  assert(q.size() == mdp.pairs());
  std::vector<std::int32_t> actions(mdp.states);
  for (std::size_t s = 0; s < mdp.states; ++s) {
    const auto row = q.subspan(s * mdp.actions, mdp.actions);
    actions[s] = static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return actions;
}

std::vector<double> evaluate_policy(const TabularMdp& mdp, std::span<const double> probability) {
  assert(probability.size() == mdp.pairs());
  const auto n = static_cast<Eigen::Index>(mdp.states);
  Eigen::MatrixXd system = Eigen::MatrixXd::Identity(n, n);
  Eigen::VectorXd reward = Eigen::VectorXd::Zero(n);
  for (std::size_t pair = 0; pair < mdp.pairs(); ++pair) {
    const auto state = static_cast<Eigen::Index>(pair / mdp.actions);
    reward[state] += probability[pair] * mdp.reward[pair];
    const double weight = probability[pair] * mdp.discount;
    for (Eigen::Index next = 0; next < n; ++next)
      system(state, next) -= weight * mdp.transition[pair * mdp.states + static_cast<std::size_t>(next)];
  }
  const Eigen::VectorXd values = system.partialPivLu().solve(reward);
  return {values.data(), values.data() + n};
}

std::vector<double> evaluate_actions(const TabularMdp& mdp, std::span<const std::int32_t> actions) {
  assert(actions.size() == mdp.states);
  std::vector<double> probability(mdp.pairs(), 0.0);
  for (std::size_t s = 0; s < mdp.states; ++s)
    probability[s * mdp.actions + static_cast<std::size_t>(actions[s])] = 1.0;
  return evaluate_policy(mdp, probability);
}

double start_value(const TabularMdp& mdp, std::span<const double> values) {
  assert(values.size() == mdp.states);
  double value = 0.0;
  for (std::size_t s = 0; s < mdp.states; ++s) value += mdp.start[s] * values[s];
  return value;
}

}  // namespace swipegym
