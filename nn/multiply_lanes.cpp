#include <algorithm>
#include <vector>

#include "nn/matrix_product.h"
#include "nn/vector_lanes.h"

namespace swipegym {
namespace {

// Accumulators of a tile fill the registers without spilling: 6 * 4 sums, 4 of the right factor, one broadcast; with
// AVX2's sixteen registers 6 * 2, 2 and one.
constexpr std::size_t kProductRows = 6, kProductVectors = kRegisterBytes == 64 ? 4 : 2;
// Rows of the right factor that stay in the first cache while all rows of the left one pass by.
constexpr std::size_t kDepthBlock = 128;

template <class Scalar>
struct LanePass {
  const Scalar* in;
  std::size_t in_row, in_depth, depth;
  const Scalar* right;
  std::size_t right_stride;
  Scalar* out;
  std::size_t out_stride;
  bool add;
  const Scalar* start;
};

// Rows [row, row + kRows), kVectors vectors of columns from `column` on, of which the last has `last` lanes.
template <class Scalar, std::size_t kRows, std::size_t kVectors, bool kWhole>
void product_tile(const LanePass<Scalar>& pass, std::size_t row, std::size_t column, std::size_t last) noexcept {
  using Lanes = VectorLanes<Scalar, kRegisterBytes>;
  using Vector = typename Lanes::Vector;
  const auto count = [last](std::size_t v) { return kWhole || v + 1 < kVectors ? Lanes::kCount : last; };
  const auto load = [&](const Scalar* at, std::size_t v) {
    return kWhole ? Lanes::load(at + v * Lanes::kCount) : Lanes::load(at + v * Lanes::kCount, count(v));
  };
  Vector sum[kRows][kVectors];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[r][v] = pass.add ? load(pass.out + (row + r) * pass.out_stride + column, v) : Vector{};
      if (pass.start != nullptr) sum[r][v] += load(pass.start + column, v);
    }
  // A pointer for every third row: those between are reached by the processor's own scaled addresses.
  constexpr std::size_t kPointers = (kRows + 2) / 3;
  const std::size_t stride = pass.in_row;
  const Scalar* in[kPointers];
  for (std::size_t p = 0; p < kPointers; ++p) in[p] = pass.in + (row + 3 * p) * stride;
  const Scalar* right = pass.right + column;
  for (std::size_t k = 0; k < pass.depth; ++k, right += pass.right_stride) {
    Vector factor[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) factor[v] = load(right, v);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Scalar x = in[r / 3][(r % 3) * stride];
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] += x * factor[v];
    }
    for (std::size_t p = 0; p < kPointers; ++p) in[p] += pass.in_depth;
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v) {
      Scalar* to = pass.out + (row + r) * pass.out_stride + column + v * Lanes::kCount;
      if constexpr (kWhole)
        Lanes::store(to, sum[r][v]);
      else
        Lanes::store(to, sum[r][v], count(v));
    }
}

// Rows of a tile that fill the registers as well when there are fewer vectors to a row.
constexpr std::size_t tile_rows(std::size_t vectors) {
  return vectors == kProductVectors ? kProductRows : 2 * kProductRows;
}

template <class Scalar, std::size_t kVectors, bool kWhole>
void product_panel(const LanePass<Scalar>& pass, std::size_t rows, std::size_t column, std::size_t last) noexcept {
  std::size_t row = 0;
  constexpr std::size_t kMost = tile_rows(kVectors);
  for (; row + kMost <= rows; row += kMost) product_tile<Scalar, kMost, kVectors, kWhole>(pass, row, column, last);
  if constexpr (kMost > 6)
    for (; row + 6 <= rows; row += 6) product_tile<Scalar, 6, kVectors, kWhole>(pass, row, column, last);
  if constexpr (kMost > 2) {
    for (; row + 4 <= rows; row += 4) product_tile<Scalar, 4, kVectors, kWhole>(pass, row, column, last);
    for (; row + 2 <= rows; row += 2) product_tile<Scalar, 2, kVectors, kWhole>(pass, row, column, last);
  }
  for (; row < rows; ++row) product_tile<Scalar, 1, kVectors, kWhole>(pass, row, column, last);
}

// Rows of a wide right factor lie so far apart that they fall onto the same few lines of the first cache. When enough
// rows of the left factor want them, the columns of a panel are laid side by side first.
constexpr std::size_t kWideStride = 256, kRowsWorthPacking = 32;

template <class Scalar>
void pack_panel(LanePass<Scalar>& pass, std::size_t column, std::size_t width, std::vector<Scalar>& room) {
  room.resize(pass.depth * width);
  for (std::size_t k = 0; k < pass.depth; ++k)
    std::copy_n(pass.right + k * pass.right_stride + column, width, room.data() + k * width);
  pass.right = room.data();
  pass.right_stride = width;
}

}  // namespace

template <class Scalar>
void multiply_lanes(const Scalar* in, std::size_t in_row, std::size_t in_depth, std::size_t rows, std::size_t depth,
                    const Scalar* right, std::size_t right_stride, std::size_t columns, Scalar* out,
                    std::size_t out_stride, bool add, const Scalar* start) noexcept {
  constexpr std::size_t kCount = VectorLanes<Scalar, kRegisterBytes>::kCount;
  std::size_t first = 0;
  do {
    const std::size_t block = depth - first < 2 * kDepthBlock ? depth - first : kDepthBlock;
    const LanePass<Scalar> pass{.in = in + first * in_depth,
                                .in_row = in_row,
                                .in_depth = in_depth,
                                .depth = block,
                                .right = right + first * right_stride,
                                .right_stride = right_stride,
                                .out = out,
                                .out_stride = out_stride,
                                .add = add || first > 0,
                                .start = first > 0 ? nullptr : start};
    std::size_t column = 0;
    for (constexpr std::size_t kWidth = kProductVectors * kCount; column + kWidth <= columns; column += kWidth) {
      if (right_stride >= kWideStride && rows >= kRowsWorthPacking) {
        thread_local std::vector<Scalar> room;
        LanePass<Scalar> packed = pass;
        pack_panel(packed, column, kWidth, room);
        packed.out += column;
        if (packed.start != nullptr) packed.start += column;
        product_panel<Scalar, kProductVectors, true>(packed, rows, 0, kCount);
      } else {
        product_panel<Scalar, kProductVectors, true>(pass, rows, column, kCount);
      }
    }
    if constexpr (kProductVectors > 2)
      for (; column + 2 * kCount <= columns; column += 2 * kCount)
        product_panel<Scalar, 2, true>(pass, rows, column, kCount);
    for (; column + kCount <= columns; column += kCount) product_panel<Scalar, 1, true>(pass, rows, column, kCount);
    if (column < columns) product_panel<Scalar, 1, false>(pass, rows, column, columns - column);
    first += block;
  } while (first < depth);
}

template void multiply_lanes(const float*, std::size_t, std::size_t, std::size_t, std::size_t, const float*,
                             std::size_t, std::size_t, float*, std::size_t, bool, const float*) noexcept;
template void multiply_lanes(const double*, std::size_t, std::size_t, std::size_t, std::size_t, const double*,
                             std::size_t, std::size_t, double*, std::size_t, bool, const double*) noexcept;

}  // namespace swipegym
