#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "nn/parameter.h"

namespace swipegym {

/// What the losses L_k of several heads are together: Σ w_k L_k, or, where uncertainty weighs them,
/// Σ w_k (e^-s_k L_k + s_k) with s_k learned, the logarithm of a head's variance (Kendall, Gal, Cipolla, CVPR 2018).
class LossWeights {
 public:
  LossWeights(std::vector<double> weight, bool by_uncertainty);

  /// What L_k counts for: the total's derivative by it.
  double factor(std::size_t head) const noexcept;
  /// The total of these losses, [heads]; adds its derivatives by s_k to their gradient.
  double total(std::span<const double> loss);
  /// Puts s_k where the total is least for this loss, > 0: at its logarithm.
  void settle(std::size_t head, double loss);

  bool by_uncertainty() const noexcept { return by_uncertainty_; }
  Parameter& log_variance() noexcept { return log_variance_; }

 private:
  std::vector<double> weight_;
  bool by_uncertainty_;
  Parameter log_variance_;  // [1, heads] s_k; 0 and left alone where weights are fixed
};

}  // namespace swipegym
