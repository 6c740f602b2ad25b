#pragma once

#include <cstddef>

#include "nn/matrix.h"
#include "nn/parameter.h"

namespace swipegym {

/// y = x W + b with x [rows, in], W [in, out], b [1, out].
template <class Scalar>
class LinearOf {
 public:
  LinearOf() = default;
  /// Weights drawn with standard deviation gain / sqrt(in), zero biases.
  LinearOf(std::size_t in, std::size_t out, RandomKey key, double gain = 1.0);

  std::size_t in() const noexcept { return static_cast<std::size_t>(weight.value.rows()); }
  std::size_t out() const noexcept { return static_cast<std::size_t>(weight.value.cols()); }

  /// `output` is resized to [rows, out], which allocates only when its shape changes. Callable from many threads.
  void forward(ConstMatrixRef<Scalar> input, MatrixOf<Scalar>& output) const;
  /// As above into a block that has the right shape already.
  void forward_into(ConstMatrixRef<Scalar> input, MatrixRef<Scalar> output) const;

  /// Adds x^T dy to the weights' gradient and the column sums of dy to the biases'; writes dy W^T to `d_input` unless
  /// it is null. Threads use a shard each (ParameterOf).
  void backward(ConstMatrixRef<Scalar> input, ConstMatrixRef<Scalar> d_output, MatrixOf<Scalar>* d_input,
                std::size_t shard = 0);

  void set_shards(std::size_t count) { weight.set_shards(count), bias.set_shards(count); }

  ParameterOf<Scalar> weight;  // [in, out]
  ParameterOf<Scalar> bias;    // [1, out]
};
using Linear = LinearOf<float>;

/// LinearOf::forward and backward by matrix_product (nn/matrix_product.h), for layers of sequence networks. `add`: to
/// what `d_input` holds already.
template <class Scalar>
void apply(const LinearOf<Scalar>& layer, const MatrixOf<Scalar>& input, MatrixOf<Scalar>& output);
template <class Scalar>
void apply_backward(LinearOf<Scalar>& layer, const MatrixOf<Scalar>& input, const MatrixOf<Scalar>& d_output,
                    MatrixOf<Scalar>* d_input, bool add, std::size_t shard);

/// Writes and reads name/weight and name/bias (see parameter.h).
void save(Hdf5Writer& file, const std::string& name, const Linear& layer, bool moments);
void load(const Hdf5Reader& file, const std::string& name, Linear& layer);

}  // namespace swipegym
