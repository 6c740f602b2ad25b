#pragma once

#include "core/random.h"
#include "nn/matrix.h"

namespace swipegym {

/// Inverted dropout for training: each element is 0 with probability `rate`, else divided by (1 - rate), so that
/// nothing is done when predicting. `mask` receives the factors; row i draws from stream first_row + i of `key`, so a
/// shard of a batch drops what the whole batch would have dropped. values *= mask in place.
template <class Scalar>
void dropout(Scalar rate, RandomKey key, std::size_t first_row, MatrixOf<Scalar>& mask, MatrixOf<Scalar>& values);

/// gradient *= mask.
template <class Scalar>
void dropout_backward(const MatrixOf<Scalar>& mask, MatrixOf<Scalar>& gradient) {
  gradient.array() *= mask.array();
}

}  // namespace swipegym
