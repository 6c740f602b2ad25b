#pragma once

#include <span>
#include <vector>

#include "nn/activation.h"
#include "nn/dropout.h"
#include "nn/linear.h"

namespace swipegym {

/// The sizes of an Mlp: input, hidden..., output.
inline std::vector<std::size_t> layer_sizes(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out) {
  std::vector<std::size_t> all = {in};
  all.insert(all.end(), hidden.begin(), hidden.end());
  all.push_back(out);
  return all;
}

/// What a pass through an Mlp keeps for its way back; one a thread. Allocates only when shapes change.
template <class Scalar>
struct MlpWorkspaceOf {
  std::vector<MatrixOf<Scalar>> before, after, mask;  // of each layer: before and after its activation, dropout factors
  MatrixOf<Scalar> gradient, next_gradient;
  const MatrixOf<Scalar>& output() const noexcept { return after.back(); }
};
using MlpWorkspace = MlpWorkspaceOf<float>;

/// Linear layers with one activation between them; the last layer is linear.
template <class Scalar>
class MlpOf {
 public:
  MlpOf() = default;
  /// sizes: input, hidden..., output; at least two.
  MlpOf(std::span<const std::size_t> sizes, Activation activation, RandomKey key);

  /// The result lies in workspace.output(). `dropout_rate` > 0 drops hidden units with factors drawn from `key`
  /// (rows are first_row...). Callable from many threads with a workspace each.
  void forward(ConstMatrixRef<Scalar> input, MlpWorkspaceOf<Scalar>& workspace, Scalar dropout_rate = 0,
               RandomKey key = {}, std::size_t first_row = 0) const;
  /// After forward() with the same input and workspace: adds to the gradients of `shard` and writes dL/d input.
  void backward(ConstMatrixRef<Scalar> input, ConstMatrixRef<Scalar> d_output, MlpWorkspaceOf<Scalar>& workspace,
                MatrixOf<Scalar>* d_input, std::size_t shard = 0);

  void set_shards(std::size_t count);
  void collect(std::vector<ParameterOf<Scalar>*>& parameters);

  std::vector<LinearOf<Scalar>> layers;
  Activation activation = Activation::kRelu;
};
using Mlp = MlpOf<float>;

/// Writes and reads every layer under name/0, name/1, ...
void save(Hdf5Writer& file, const std::string& name, const Mlp& mlp, bool moments);
void load(const Hdf5Reader& file, const std::string& name, Mlp& mlp);

}  // namespace swipegym
