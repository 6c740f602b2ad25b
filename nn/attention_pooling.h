#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/linear.h"
#include "nn/matrix.h"

namespace swipegym {

/// Rows [begin, end) of a block.
struct RowRange {
  std::uint32_t begin = 0, end = 0;
};

/// DIN's pooling of a history h_1..h_n for a query q, as LabelCraft's reference code has it: the score of an item is
/// Linear(hidden, 1) of Linear(4 dim, hidden) of [q, h, q - h, q * h] with nothing between the two layers, scores are
/// not normalised, padding scores 0, and pooled = sum_j score_j h_j. Two layers with nothing between them are one, so a
/// score is taken as (w + v * q).h + u.q + c with weights folded once a pass: 2 dim products an item in place of
/// 4 dim hidden. Histories lie behind each other without padding.
template <class Scalar>
class AttentionPoolingOf {
 public:
  using Vector = Eigen::Array<Scalar, 1, Eigen::Dynamic>;

  AttentionPoolingOf() = default;
  AttentionPoolingOf(std::size_t dim, std::size_t hidden, RandomKey key);

  std::size_t dim() const noexcept { return first.in() / 4; }

  /// The weights of both layers as one: score = item.h + difference.(q - h) + product.(q * h) + query.q + constant.
  struct Folded {
    Vector query, item, difference, product;
    Scalar constant = 0;
  };
  Folded fold() const;

  /// Row i has history rows `range[i]` of `history`; scores lie beside them. Ranges of several queries may be one, but
  /// then the scores are those of the last, and there is no way back.
  void forward(const Folded& folded, ConstMatrixRef<Scalar> query, ConstMatrixRef<Scalar> history,
               std::span<const RowRange> range, std::span<Scalar> scores, MatrixRef<Scalar> pooled) const;

  /// The folded weights' gradients; joined over shards in order, then unfolded into the layers'.
  struct FoldedGradient : Folded {
    void zero(std::size_t dim);
    void join(const FoldedGradient& other);
  };
  /// Adds to `gradient` and to d_query, writes d_history.
  void backward(const Folded& folded, ConstMatrixRef<Scalar> query, ConstMatrixRef<Scalar> history,
                std::span<const RowRange> range, std::span<const Scalar> scores, ConstMatrixRef<Scalar> d_pooled,
                FoldedGradient& gradient, MatrixRef<Scalar> d_query, MatrixRef<Scalar> d_history) const;
  void unfold(const FoldedGradient& gradient);

  LinearOf<Scalar> first, second;  // 4 dim -> hidden -> 1
};
using AttentionPooling = AttentionPoolingOf<float>;

}  // namespace swipegym
