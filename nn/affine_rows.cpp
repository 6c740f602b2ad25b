#include "nn/affine_rows.h"

#include <cassert>

#include "core/lanes.h"

namespace swipegym {

namespace {

// Columns have nothing to do with one another, so vectors are as wide as a register here: wider ones would live in
// memory. Accumulators of a tile fill the registers without spilling.
#ifdef __AVX512F__
constexpr std::size_t kTileLanes = 16, kTileRows = 8, kTileColumns = 3;
#else
constexpr std::size_t kTileLanes = 8, kTileRows = 4, kTileColumns = 3;
#endif
static_assert(kRowBlock % kTileRows == 0 && kLanes % kTileLanes == 0);
using TileLanes [[gnu::vector_size(kTileLanes * sizeof(float))]] = float;

TileLanes load_tile(const float* at) noexcept {
  TileLanes out;
  std::memcpy(&out, at, sizeof out);
  return out;
}

struct Pass {
  const float* in;
  std::size_t in_stride;
  const float* weight;
  std::size_t depth, width;
  bool rectify;
  float* out;
  std::size_t out_stride;
};

// Rows [row, row + kTileRows) and kColumns vectors of columns from `column` on.
template <std::size_t kColumns, std::size_t kParts>
void tile(const Pass& pass, const std::array<const float*, kParts>* start, std::size_t row,
          std::size_t column) noexcept {
  TileLanes sum[kTileRows][kColumns];
  for (std::size_t r = 0; r < kTileRows; ++r)
    for (std::size_t c = 0; c < kColumns; ++c) {
      sum[r][c] = load_tile(start[row + r][0] + column + c * kTileLanes);
      for (std::size_t part = 1; part < kParts; ++part)
        sum[r][c] += load_tile(start[row + r][part] + column + c * kTileLanes);
    }
  const float* in = pass.in + row * pass.in_stride;
  for (std::size_t k = 0; k < pass.depth; ++k) {
    TileLanes weight[kColumns];
    for (std::size_t c = 0; c < kColumns; ++c)
      weight[c] = load_tile(pass.weight + k * pass.width + column + c * kTileLanes);
    for (std::size_t r = 0; r < kTileRows; ++r) {
      const float x = in[r * pass.in_stride + k];
      for (std::size_t c = 0; c < kColumns; ++c) sum[r][c] += x * weight[c];
    }
  }
  const TileLanes zero{};
  for (std::size_t r = 0; r < kTileRows; ++r)
    for (std::size_t c = 0; c < kColumns; ++c) {
      const TileLanes value = pass.rectify ? (sum[r][c] > zero ? sum[r][c] : zero) : sum[r][c];
      std::memcpy(pass.out + (row + r) * pass.out_stride + column + c * kTileLanes, &value, sizeof value);
    }
}

}  // namespace

template <std::size_t kParts>
void affine_rows(std::span<const std::array<const float*, kParts>> start, const float* in, std::size_t in_stride,
                 const Matrix& weight, bool rectify, float* out, std::size_t out_stride,
                 std::size_t asked_columns) noexcept {
  const Pass pass{.in = in,
                  .in_stride = in_stride,
                  .weight = weight.data(),
                  .depth = static_cast<std::size_t>(weight.rows()),
                  .width = static_cast<std::size_t>(weight.cols()),
                  .rectify = rectify,
                  .out = out,
                  .out_stride = out_stride};
  assert(start.size() % kRowBlock == 0 && pass.width % kLanes == 0 && asked_columns % kLanes == 0 &&
         asked_columns <= pass.width);
  // Columns outside, so that a block of the weights is used for all rows while it is near.
  const std::size_t vectors = (asked_columns > 0 ? asked_columns : pass.width) / kTileLanes;
  for (std::size_t v = 0; v < vectors;) {
    const std::size_t left = vectors - v, column = v * kTileLanes;
    const std::size_t columns = left >= kTileColumns && left != kTileColumns + 1 ? kTileColumns : left >= 2 ? 2 : 1;
    for (std::size_t row = 0; row < start.size(); row += kTileRows) {
      if (columns == kTileColumns)
        tile<kTileColumns>(pass, start.data(), row, column);
      else if (columns == 2)
        tile<2>(pass, start.data(), row, column);
      else
        tile<1>(pass, start.data(), row, column);
    }
    v += columns;
  }
}

template void affine_rows<1>(std::span<const std::array<const float*, 1>>, const float*, std::size_t, const Matrix&,
                             bool, float*, std::size_t, std::size_t) noexcept;
template void affine_rows<2>(std::span<const std::array<const float*, 2>>, const float*, std::size_t, const Matrix&,
                             bool, float*, std::size_t, std::size_t) noexcept;
template void affine_rows<4>(std::span<const std::array<const float*, 4>>, const float*, std::size_t, const Matrix&,
                             bool, float*, std::size_t, std::size_t) noexcept;

}  // namespace swipegym
