#include "nn/losses.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "nn/fast_math.h"

namespace swipegym {
namespace {

template <class Scalar>
double total_weight(const LossRows<Scalar>& rows, Eigen::Index count) {
  if (rows.total_weight > 0.0) return rows.total_weight;
  if (rows.weight.empty()) return static_cast<double>(count);
  double sum = 0.0;
  for (const Scalar weight : rows.weight) sum += static_cast<double>(weight);
  return sum;
}

// exp(logits - max) into `out`; returns their sum, and the maximum. Eight lanes in a fixed order, so that the compiler
// may use vectors without changing the result.
template <class Scalar>
Scalar shifted_exp(const Scalar* logits, Eigen::Index count, Scalar* out, Scalar& largest) {
  constexpr Eigen::Index kLanes = 8;
  Scalar most[kLanes], sum[kLanes] = {};
  std::fill(most, most + kLanes, logits[0]);
  const Eigen::Index whole = count - count % kLanes;
  for (Eigen::Index i = 0; i < whole; i += kLanes)
    for (Eigen::Index lane = 0; lane < kLanes; ++lane)
      most[lane] = logits[i + lane] > most[lane] ? logits[i + lane] : most[lane];
  for (Eigen::Index i = whole; i < count; ++i) most[0] = std::max(most[0], logits[i]);
  largest = *std::max_element(most, most + kLanes);
  const Scalar shift = largest;  // not behind a reference that `out` might overlap, or nothing is vectorised
  for (Eigen::Index i = 0; i < count; ++i) out[i] = fast_exp(logits[i] - shift);
  for (Eigen::Index i = 0; i < whole; i += kLanes)
    for (Eigen::Index lane = 0; lane < kLanes; ++lane) sum[lane] += out[i + lane];
  for (Eigen::Index i = whole; i < count; ++i) sum[0] += out[i];
  Scalar total = 0;
  for (const Scalar part : sum) total += part;
  return total;
}

// Adds loss(prediction, target, slope) over all elements; `loss` also gives the derivative through `slope`.
template <class Scalar, class Loss>
double elementwise(const MatrixOf<Scalar>& prediction, const MatrixOf<Scalar>& target, const LossRows<Scalar>& rows,
                   MatrixOf<Scalar>* gradient, Loss loss) {
  assert(prediction.rows() == target.rows() && prediction.cols() == target.cols());
  const double inverse = 1.0 / total_weight(rows, prediction.rows());
  if (gradient != nullptr) gradient->resize(prediction.rows(), prediction.cols());
  double sum = 0.0;
  for (Eigen::Index row = 0; row < prediction.rows(); ++row) {
    const Scalar weight = rows.weight.empty() ? Scalar(1) : rows.weight[static_cast<std::size_t>(row)];
    const Scalar scale = weight * static_cast<Scalar>(inverse);
    double row_sum = 0.0;
    for (Eigen::Index column = 0; column < prediction.cols(); ++column) {
      Scalar slope = 0;
      row_sum += static_cast<double>(loss(prediction(row, column), target(row, column), slope));
      if (gradient != nullptr) (*gradient)(row, column) = scale * slope;
    }
    sum += static_cast<double>(weight) * row_sum;
  }
  return sum * inverse;
}

}  // namespace

template <class Scalar>
double softmax_cross_entropy(const MatrixOf<Scalar>& logits, std::span<const std::int32_t> target,
                             const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient) {
  assert(target.size() == static_cast<std::size_t>(logits.rows()));
  const double inverse = 1.0 / total_weight(rows, logits.rows());
  thread_local std::vector<Scalar> scratch;  // stands in for the gradient's row where none is asked for
  if (gradient != nullptr)
    gradient->resize(logits.rows(), logits.cols());
  else
    scratch.resize(static_cast<std::size_t>(logits.cols()));
  double sum = 0.0;
  for (Eigen::Index row = 0; row < logits.rows(); ++row) {
    const Scalar* z = logits.data() + row * logits.cols();
    Scalar* out = gradient != nullptr ? gradient->data() + row * logits.cols() : scratch.data();
    const auto shown = static_cast<Eigen::Index>(target[static_cast<std::size_t>(row)]);
    assert(0 <= shown && shown < logits.cols());
    const Scalar weight = rows.weight.empty() ? Scalar(1) : rows.weight[static_cast<std::size_t>(row)];
    Scalar largest = 0;
    const Scalar normaliser = shifted_exp(z, logits.cols(), out, largest);
    sum += static_cast<double>(weight) * static_cast<double>(std::log(normaliser) + largest - z[shown]);
    const Scalar scale = weight * static_cast<Scalar>(inverse);
    const Scalar factor = scale / normaliser;
    for (Eigen::Index i = 0; i < logits.cols(); ++i) out[i] *= factor;
    out[shown] -= scale;
  }
  return sum * inverse;
}

template <class Scalar>
double binary_cross_entropy(const MatrixOf<Scalar>& logits, const MatrixOf<Scalar>& target,
                            const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient) {
  return elementwise(logits, target, rows, gradient, [](Scalar z, Scalar y, Scalar& slope) {
    slope = fast_sigmoid(z) - y;
    return softplus(z) - y * z;
  });
}

template <class Scalar>
double huber(const MatrixOf<Scalar>& prediction, const MatrixOf<Scalar>& target, Scalar delta,
             const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient) {
  return elementwise(prediction, target, rows, gradient, [delta](Scalar p, Scalar y, Scalar& slope) {
    const Scalar error = p - y;
    slope = std::clamp(error, -delta, delta);
    return slope * (error - Scalar(0.5) * slope);  // e^2 / 2 inside, delta (|e| - delta / 2) outside
  });
}

template <class Scalar>
double quantile_huber(const MatrixOf<Scalar>& prediction, const MatrixOf<Scalar>& target, Scalar delta,
                      const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient) {
  const auto count = static_cast<Scalar>(prediction.cols());
  const MatrixOf<Scalar> wanted = target.replicate(1, prediction.cols());
  Eigen::Index at = 0;  // pairs come row by row
  return elementwise(prediction, wanted, rows, gradient, [&](Scalar p, Scalar y, Scalar& slope) {
    const Scalar level = (static_cast<Scalar>(at++ % prediction.cols()) + Scalar(0.5)) / count;
    const Scalar error = p - y, clipped = std::clamp(error, -delta, delta);
    const Scalar weight = std::abs(level - (error > 0 ? Scalar(1) : Scalar(0))) / delta / count;
    // |level - [error > 0]| pushes predictions that are too large down by 1 - level.
    slope = weight * clipped;
    return slope * (error - Scalar(0.5) * clipped);
  });
}

template <class Scalar>
double mean_squared_error(const MatrixOf<Scalar>& prediction, const MatrixOf<Scalar>& target,
                          const LossRows<Scalar>& rows, MatrixOf<Scalar>* gradient) {
  return elementwise(prediction, target, rows, gradient, [](Scalar p, Scalar y, Scalar& slope) {
    slope = Scalar(2) * (p - y);
    return (p - y) * (p - y);
  });
}

template <class Scalar>
void softmax_rows(MatrixOf<Scalar>& logits) {
  for (Eigen::Index row = 0; row < logits.rows(); ++row) {
    Scalar* z = logits.data() + row * logits.cols();
    Scalar largest = 0;
    const Scalar factor = Scalar(1) / shifted_exp(z, logits.cols(), z, largest);
    for (Eigen::Index i = 0; i < logits.cols(); ++i) z[i] *= factor;
  }
}

#define SWIPEGYM_LOSSES(S)                                                                                        \
  template double softmax_cross_entropy(const MatrixOf<S>&, std::span<const std::int32_t>, const LossRows<S>&,    \
                                        MatrixOf<S>*);                                                            \
  template double binary_cross_entropy(const MatrixOf<S>&, const MatrixOf<S>&, const LossRows<S>&, MatrixOf<S>*); \
  template double huber(const MatrixOf<S>&, const MatrixOf<S>&, S, const LossRows<S>&, MatrixOf<S>*);             \
  template double quantile_huber(const MatrixOf<S>&, const MatrixOf<S>&, S, const LossRows<S>&, MatrixOf<S>*);    \
  template double mean_squared_error(const MatrixOf<S>&, const MatrixOf<S>&, const LossRows<S>&, MatrixOf<S>*);   \
  template void softmax_rows(MatrixOf<S>&);
SWIPEGYM_LOSSES(float)
SWIPEGYM_LOSSES(double)
#undef SWIPEGYM_LOSSES

}  // namespace swipegym
