#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nn/matrix.h"

namespace swipegym {

struct SoftTopKConfig {
  std::size_t k = 10;
  bool sorted = false;      // anchors k, k - 1, ..., 0 instead of 1, 0: the ranks within the top k matter too
  double epsilon = 1e-2;    // entropy's weight; towards 0 the indicator becomes the hard top k
  bool rescale = true;      // bring the scores to [0, 1] first, so that epsilon means the same for every ranker
  double cost_scale = 0.0;  // what costs are divided by; 0: the largest cost, held constant in the backward pass
};

/// A differentiable top k by entropic optimal transport (Xie et al., "Differentiable Top-k with Optimal Transport",
/// NeurIPS 2020): scores move to anchors at cost (s_i - a_j)^2 / scale; alpha_i = n * mass of score i at the top
/// anchors lies in [0, 1] and sums to k. In double and in the log domain, so any epsilon > 0 works: two anchors have a
/// dual of one variable, solved by safeguarded Newton steps; more anchors are solved by Newton steps on the dual while
/// epsilon falls to its value. The way back differentiates the optimality conditions, not the iterations.
class SoftTopK {
 public:
  explicit SoftTopK(const SoftTopKConfig& config) : config_(config) {}

  /// Computes alpha of n >= 1 finite scores; with n <= k every alpha is 1. Reuses its memory.
  void forward(std::span<const double> scores);
  std::span<const double> alpha() const noexcept { return {alpha_.data(), alpha_.size()}; }
  /// d_scores = (d alpha / d scores)^T d_alpha after forward().
  void backward(std::span<const double> d_alpha, std::span<double> d_scores) const;

  /// The transport plan [n, anchors] of the last forward() with n > k; rows sum to 1 / n.
  MatrixOf<double> plan() const;
  /// The largest deviation of a column of the plan from its mass.
  double marginal_error() const;

 private:
  void solve_pair();
  void solve_sorted();
  double column_error(double epsilon);  // refreshes share_ for dual_; returns the largest column error
  void backward_pair(std::span<const double> d_alpha, std::span<double> d_scores) const;
  void backward_sorted(std::span<const double> d_alpha, std::span<double> d_scores) const;
  MatrixOf<double> dual_hessian() const;  // [k, k], times epsilon
  double mass(std::size_t column) const noexcept;

  SoftTopKConfig config_;
  bool trivial_ = true;  // n <= k, or no two scores differ after rescaling
  std::vector<double> score_, alpha_;
  std::size_t lowest_ = 0, highest_ = 0;
  double range_ = 1.0, scale_ = 1.0;
  MatrixOf<double> cost_, share_;  // [n, anchors]; share = plan * n
  Eigen::VectorXd dual_;           // [anchors], the last one 0
};

}  // namespace swipegym
