#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/matrix.h"
#include "nn/parameter.h"

namespace swipegym {

/// `factor` times the row at `row` belongs to the gradient of a table row. Several may share one `row`: a positive and
/// its negatives pull at the same state.
template <class Scalar>
struct RowGradientOf {
  std::int32_t id = -1;  // -1: nothing
  Scalar factor = 1;
  const Scalar* row = nullptr;  // [dim]
};
using RowGradient = RowGradientOf<float>;

/// A table of rows, of which a batch touches few: the gradient holds the touched rows only, so a table of millions
/// costs a step no more than a small one.
template <class Scalar>
class EmbeddingOf {
 public:
  EmbeddingOf() = default;
  /// Values drawn with the given standard deviation.
  EmbeddingOf(std::size_t count, std::size_t dim, RandomKey key, double deviation);

  std::size_t count() const noexcept { return static_cast<std::size_t>(table.value.rows()); }
  std::size_t dim() const noexcept { return static_cast<std::size_t>(table.value.cols()); }

  /// output row i = table row ids[i]; an id of -1 is padding and gives zeros. `output` has the right shape.
  void gather(std::span<const std::int32_t> ids, MatrixRef<Scalar> output) const;

  /// Adds row i of `gradient` to the gradient of table row ids[i]; -1 is skipped. Repeated ids add up in order. One
  /// thread.
  void scatter(std::span<const std::int32_t> ids, ConstMatrixRef<Scalar> gradient);

  /// Adds all of `lists`, in order, on several threads: as scatter() of one list after the other, whatever their
  /// number.
  void scatter(std::span<const std::span<const RowGradientOf<Scalar>>> lists, int threads);

  std::span<const std::int32_t> touched() const noexcept { return touched_; }
  /// Row i is the gradient of table row touched()[i].
  const MatrixOf<Scalar>& touched_gradient() const noexcept { return gradient_; }
  /// Forgets the gradient; cost grows with the touched rows.
  void zero_gradient();

  ParameterOf<Scalar> table;  // value and moments; its dense gradient is not used and stays empty

 private:
  std::vector<std::int32_t> touched_;
  std::vector<std::int32_t> slot_;    // [count]: where a row's gradient lies, -1 when untouched
  MatrixOf<Scalar> gradient_;         // [>= touched, dim]
  std::vector<std::uint32_t> begin_;  // of each touched row: where its part of `sorted_` begins
  std::vector<RowGradientOf<Scalar>> sorted_;
};
using Embedding = EmbeddingOf<float>;

}  // namespace swipegym
