#include "nn/mlp.h"

#include <cassert>
#include <cmath>

namespace swipegym {

template <class Scalar>
MlpOf<Scalar>::MlpOf(std::span<const std::size_t> sizes, Activation hidden, RandomKey key) : activation(hidden) {
  assert(sizes.size() >= 2);
  // Rectifiers halve the variance; the gain restores it (He et al. 2015). The output layer starts small.
  const double gain = hidden == Activation::kIdentity || hidden == Activation::kTanh ? 1.0 : std::sqrt(2.0);
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i)
    layers.emplace_back(sizes[i], sizes[i + 1], split(key, i), i + 2 < sizes.size() ? gain : 1.0);
}

template <class Scalar>
void MlpOf<Scalar>::forward(ConstMatrixRef<Scalar> input, MlpWorkspaceOf<Scalar>& workspace, Scalar dropout_rate,
                            RandomKey key, std::size_t first_row) const {
  workspace.before.resize(layers.size());
  workspace.after.resize(layers.size());
  workspace.mask.resize(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool last = i + 1 == layers.size();
    MatrixOf<Scalar>& before = last ? workspace.after[i] : workspace.before[i];
    if (i == 0)
      layers[i].forward(input, before);
    else
      layers[i].forward(workspace.after[i - 1], before);
    if (last) return;
    activate(activation, before, workspace.after[i]);
    if (dropout_rate > Scalar(0))
      dropout(dropout_rate, split(key, i), first_row, workspace.mask[i], workspace.after[i]);
    else
      workspace.mask[i].resize(0, 0);
  }
}

template <class Scalar>
void MlpOf<Scalar>::backward(ConstMatrixRef<Scalar> input, ConstMatrixRef<Scalar> d_output,
                             MlpWorkspaceOf<Scalar>& workspace, MatrixOf<Scalar>* d_input, std::size_t shard) {
  MatrixOf<Scalar>* gradient = &workspace.gradient;
  MatrixOf<Scalar>* next = &workspace.next_gradient;
  for (std::size_t i = layers.size(); i-- > 0;) {
    MatrixOf<Scalar>* below = i > 0 ? next : d_input;
    const bool last = i + 1 == layers.size();
    if (last && i == 0)
      layers[i].backward(input, d_output, below, shard);
    else if (last)
      layers[i].backward(workspace.after[i - 1], d_output, below, shard);
    else if (i > 0)
      layers[i].backward(workspace.after[i - 1], *gradient, below, shard);
    else
      layers[i].backward(input, *gradient, below, shard);
    if (i == 0) return;
    if (workspace.mask[i - 1].size() > 0) dropout_backward(workspace.mask[i - 1], *next);
    activate_backward(activation, workspace.before[i - 1], *next);
    std::swap(gradient, next);
  }
}

template <class Scalar>
void MlpOf<Scalar>::set_shards(std::size_t count) {
  for (LinearOf<Scalar>& layer : layers) layer.set_shards(count);
}

template <class Scalar>
void MlpOf<Scalar>::collect(std::vector<ParameterOf<Scalar>*>& parameters) {
  for (LinearOf<Scalar>& layer : layers) parameters.push_back(&layer.weight), parameters.push_back(&layer.bias);
}

template class MlpOf<float>;
template class MlpOf<double>;

}  // namespace swipegym
