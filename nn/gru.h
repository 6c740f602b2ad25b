#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/causal_attention.h"
#include "nn/linear.h"

namespace swipegym {

/// What a pass keeps for its way back; one a thread. "By steps": rows [begin[t], begin[t + 1]) are step t of the
/// sequences order[0], order[1], ... that are longer than t.
template <class Scalar>
struct GruWorkOf {
  std::vector<std::uint32_t> order, begin;
  MatrixOf<Scalar> from_input;         // [rows, 3 d], as the input lies
  MatrixOf<Scalar> from_hidden, gate;  // [rows, 3 d] by steps: W_h h + b_h; r, z, n
  MatrixOf<Scalar> hidden;             // [rows, d] by steps
  MatrixOf<Scalar> output;             // [sequences, d]: the last hidden state, 0 of an empty sequence
  MatrixOf<Scalar> start;              // [1, d] zeros, the state before the first step
  MatrixOf<Scalar> d_from_input, d_from_hidden, d_hidden;
};

/// Gated recurrent unit (Cho et al., EMNLP 2014) over packed sequences, with the reset gate behind the recurrent
/// product and the gates in the order of PyTorch's torch.nn.GRU:
///   r = sigmoid(x W_ir + b_ir + h W_hr + b_hr),  z = sigmoid(x W_iz + b_iz + h W_hz + b_hz)
///   n = tanh(x W_in + b_in + r (h W_hn + b_hn)),  h' = (1 - z) n + z h,  from h = 0.
/// A sequence's result does not depend on those beside it.
template <class Scalar>
class GruOf {
 public:
  using Work = GruWorkOf<Scalar>;
  GruOf() = default;
  GruOf(std::size_t in, std::size_t width, RandomKey key);

  std::size_t width() const noexcept { return hidden.in(); }

  /// `in` [rows, in] is left alone; the result lies in work.output. Callable from many threads with a work each.
  void forward(const MatrixOf<Scalar>& in, SequenceOffsets offset, Work& work) const;
  /// After forward() with the same arguments: adds to the gradients of `shard`, writes dL/d in (resized). d_output is
  /// [sequences, d].
  void backward(const MatrixOf<Scalar>& in, SequenceOffsets offset, const MatrixOf<Scalar>& d_output, Work& work,
                MatrixOf<Scalar>& d_in, std::size_t shard = 0);

  void set_shards(std::size_t count) { input.set_shards(count), hidden.set_shards(count); }
  void collect(std::vector<ParameterOf<Scalar>*>& parameters);

  LinearOf<Scalar> input, hidden;  // [in, 3 d] and [d, 3 d]: the columns of r, z, n
};
using Gru = GruOf<float>;
using GruWork = GruWorkOf<float>;

void save(Hdf5Writer& file, const std::string& name, const Gru& gru, bool moments);
void load(const Hdf5Reader& file, const std::string& name, Gru& gru);

}  // namespace swipegym
