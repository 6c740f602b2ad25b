#pragma once

#include <vector>

#include "nn/matrix.h"
#include "nn/parameter.h"

namespace swipegym {

/// What a pass through a LayerNorm keeps for its way back.
template <class Scalar>
struct LayerNormWorkOf {
  std::vector<Scalar> mean, scale;  // [rows]; scale is 1 / sqrt(variance + epsilon)
};

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, over the columns of each row (Ba et al. 2016).
template <class Scalar>
class LayerNormOf {
 public:
  LayerNormOf() = default;
  /// gamma 1, beta 0.
  explicit LayerNormOf(std::size_t width, double epsilon = 1e-5);

  /// `output` is resized. Callable from many threads with a work each.
  void forward(const MatrixOf<Scalar>& input, LayerNormWorkOf<Scalar>& work, MatrixOf<Scalar>& output) const;
  /// After forward() of the same input: adds to the gradients of `shard`, writes dL/d input (`d_output` itself is
  /// allowed), added to what is there when `add`.
  void backward(const MatrixOf<Scalar>& input, const LayerNormWorkOf<Scalar>& work, const MatrixOf<Scalar>& d_output,
                MatrixOf<Scalar>& d_input, bool add, std::size_t shard = 0);

  void set_shards(std::size_t count) { gamma.set_shards(count), beta.set_shards(count); }
  void collect(std::vector<ParameterOf<Scalar>*>& parameters) {
    parameters.push_back(&gamma), parameters.push_back(&beta);
  }

  ParameterOf<Scalar> gamma, beta;  // [1, width]
  Scalar epsilon = Scalar(1e-5);
};
using LayerNorm = LayerNormOf<float>;

void save(Hdf5Writer& file, const std::string& name, const LayerNorm& layer, bool moments);
void load(const Hdf5Reader& file, const std::string& name, LayerNorm& layer);

}  // namespace swipegym
