#pragma once

#include <cstdint>
#include <span>

#include "nn/matrix.h"

namespace swipegym {

/// How rows count in a loss.
template <class Scalar>
struct LossRows {
  std::span<const Scalar> weight = {};  // one a row; empty: all 1
  double total_weight = 0.0;  // what the weighted sum is divided by; 0: the sum of the weights. A shard of a batch
                              // gives the whole batch's.
};

/// Each loss returns sum_i w_i l_i / total_weight, where l_i adds over the columns of row i, and writes the derivative
/// with respect to its first argument to `gradient` (resized) unless that is null.

/// l_i = -log softmax(logits_i)[target_i]; targets are in [0, columns).
template <class Scalar>
double softmax_cross_entropy(const MatrixOf<Scalar>& logits, std::span<const std::int32_t> target,
                             const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient);

/// l = -y log s(z) - (1 - y) log(1 - s(z)); targets y in [0, 1], of the logits' shape.
template <class Scalar>
double binary_cross_entropy(const MatrixOf<Scalar>& logits, const MatrixOf<Scalar>& target,
                            const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient);

/// l = e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2), with e = prediction - target.
template <class Scalar>
double huber(const MatrixOf<Scalar>& prediction, const MatrixOf<Scalar>& target, Scalar delta,
             const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient);

/// l = sum over the columns k of K of |t_k - [e_k > 0]| huber(e_k, delta) / delta / K, with e = prediction - target,
/// t_k = (k + 1/2) / K: column k learns the t_k quantile of the target (Dabney et al., "Distributional reinforcement
/// learning with quantile regression", AAAI 2018, eq. 10). `target` is [rows, 1].
template <class Scalar>
double quantile_huber(const MatrixOf<Scalar>& prediction, const MatrixOf<Scalar>& target, Scalar delta,
                      const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient);

/// l = e^2.
template <class Scalar>
double mean_squared_error(const MatrixOf<Scalar>& prediction, const MatrixOf<Scalar>& target,
                          const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient);

/// Turns each row of logits into probabilities in place, as every softmax of the project does.
template <class Scalar>
void softmax_rows(MatrixOf<Scalar>& logits);

}  // namespace swipegym
