#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "nn/matrix.h"

namespace swipegym {

/// Rows of features for linear models of a reward or a value: q^(x, a) = features(x, a) . beta. Being linear, the mean
/// of q^ under a policy's probabilities is beta times the mean features, which is all that need be kept of the actions
/// not taken, however many there are.
struct LinearRows {
  Matrix logged{};                        // [rows, features] of the logged action
  Matrix policy{};                        // [rows, features] mean over actions under the judged policy
  std::vector<double> reward{};           // [rows]
  std::vector<std::uint32_t> user{};      // [rows]
  std::vector<std::uint8_t> continues{};  // [rows] 1: the next row is the trajectory's next step; for fit_values only
};

struct LinearFit {
  std::size_t folds = 5;  // users are dealt into so many; a row's model is fitted on the other folds. 1: on all rows
  /// Each coefficient is penalised by so much of its feature's sum of squares and of that of a feature that is always
  /// 1, so that one that was hardly seen says hardly anything. Features should be of order one.
  double ridge = 1e-3;
};

/// Predictions of linear models that never saw the row's user.
struct CrossFitted {
  std::vector<double> logged;  // [rows] q^(x, a) of the logged action
  std::vector<double> policy;  // [rows] mean of q^ under the judged policy
};

/// Ridge regression of the reward on the logged features, rows weighted by `weight` (empty: all alike). Throws
/// InputError when a fold has no row to learn from.
CrossFitted fit_rewards(const LinearRows& rows, std::span<const double> weight, const LinearFit& fit, RandomKey key);

struct ValueFit {
  LinearFit fit{};
  double discount = 1.0;
  int max_iterations = 500;
  double tolerance = 1e-6;  // of the values' largest change, relative to the largest value
};

struct FittedValues {
  CrossFitted value;       // Q^ and V^ of the judged policy
  bool converged = false;  // false: iterations grew or ran out, and the values mean nothing
  int iterations = 0;      // of the slowest fold
};

/// Fitted Q evaluation (Le, Voloshin & Yue, "Batch policy learning under constraints", ICML 2019): repeats the ridge
/// regression of r + discount V^(next state), with V^ of the fit before it. The sums over rows are made once, so that
/// an iteration costs nothing.
FittedValues fit_values(const LinearRows& rows, const ValueFit& settings, RandomKey key);

}  // namespace swipegym
