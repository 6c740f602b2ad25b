#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "nn/matrix.h"

namespace swipegym {

/// Rows of affine_rows come in multiples of this.
inline constexpr std::size_t kRowBlock = 8;

/// For every row r: out[r] = sum of start[r] + in[r] * weight, then max(0, .) if `rectify`.
///
/// A layer for passes of one small chunk after another, whose weights stay in the cache as they lie: nothing is packed,
/// allocated or written twice, and the bias (or the precomputed shares of a first layer) enters as the sum's beginning.
/// A row's result does not depend on the other rows.
///
/// start: vectors to begin with, [rows][kParts] pointers to weight.cols() floats; rows is a multiple of kRowBlock
/// in: [rows, in_stride], the first weight.rows() columns are read
/// weight: [depth, width], width a multiple of kLanes
/// out: [rows, out_stride], the first weight.cols() columns are written, or the first `columns` of them, a multiple of
/// kLanes; these are then all that is read of weight and start
template <std::size_t kParts>
void affine_rows(std::span<const std::array<const float*, kParts>> start, const float* in, std::size_t in_stride,
                 const Matrix& weight, bool rectify, float* out, std::size_t out_stride,
                 std::size_t columns = 0) noexcept;

}  // namespace swipegym
