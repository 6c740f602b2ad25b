#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "nn/matrix.h"

namespace swipegym {

/// Sequences of any lengths, one behind the other in the rows of a matrix: sequence s is the rows
/// [offset[s], offset[s + 1]). There is no padding, so none is worked on.
using SequenceOffsets = std::span<const std::uint32_t>;

/// Dropout of attention weights: row r of a batch draws from stream first_row + r.
struct AttentionDropout {
  double rate = 0.0;
  RandomKey key{};
  std::size_t first_row = 0;
};

/// What a pass keeps for its way back; one a thread.
template <class Scalar>
struct AttentionWorkOf {
  std::vector<Scalar> weight;  // of each sequence and head [n, whole_lanes(n)]: softmax, rows i and columns <= i
  std::vector<Scalar> kept;    // the same after dropout; empty without
  std::vector<Scalar> packed, slope, head;  // scratch of one head
};

/// out_i = sum over j <= i of softmax_j(q_i . k_j / sqrt(width of a head)) v_j, within each sequence and head: what is
/// later cannot be seen. query [rows, d]; key_value [rows, 2 d], keys first; out [rows, d], resized. d is a multiple of
/// heads.
template <class Scalar>
void causal_attention(const MatrixOf<Scalar>& query, const MatrixOf<Scalar>& key_value, SequenceOffsets offset,
                      std::size_t heads, const AttentionDropout& dropout, AttentionWorkOf<Scalar>& work,
                      MatrixOf<Scalar>& out);

/// After causal_attention() of the same arguments: writes dL/d query and dL/d key_value (resized).
template <class Scalar>
void causal_attention_backward(const MatrixOf<Scalar>& query, const MatrixOf<Scalar>& key_value, SequenceOffsets offset,
                               std::size_t heads, const AttentionDropout& dropout, AttentionWorkOf<Scalar>& work,
                               const MatrixOf<Scalar>& d_out, MatrixOf<Scalar>& d_query, MatrixOf<Scalar>& d_key_value);

}  // namespace swipegym
