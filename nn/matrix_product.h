#pragma once

#include <cassert>
#include <cstddef>
#include <string_view>
#include <vector>

#include "nn/matrix.h"

namespace swipegym {

/// A row-major block of somebody's memory, read as it lies or as its transpose.
template <class Scalar>
struct Factor {
  const Scalar* data = nullptr;
  std::size_t rows = 0, columns = 0;  // as it lies
  std::size_t stride = 0;             // between rows
  bool transposed = false;

  Factor() = default;
  Factor(const Scalar* d, std::size_t r, std::size_t c, std::size_t s, bool t = false)
      : data(d), rows(r), columns(c), stride(s), transposed(t) {}
  Factor(const MatrixOf<Scalar>& m)  // NOLINT(google-explicit-constructor)
      : Factor(m.data(), static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols()),
               static_cast<std::size_t>(m.cols())) {}
  std::size_t height() const noexcept { return transposed ? columns : rows; }
  std::size_t width() const noexcept { return transposed ? rows : columns; }
  /// Columns [first, first + count) of a block that is not transposed.
  Factor slice(std::size_t first, std::size_t count) const { return {data + first, rows, count, stride}; }
};
template <class Scalar>
Factor<Scalar> transposed(Factor<Scalar> factor) {
  factor.transposed = !factor.transposed;
  return factor;
}
template <class Scalar>
Factor<Scalar> transposed(const MatrixOf<Scalar>& matrix) {
  return transposed(Factor<Scalar>(matrix));
}

/// Who multiplies. kOwn is ours: vector code for the tall, narrow products of small networks, whose rows do not
/// depend on each other. Eigen is always there; oneDNN when the build found it, in fp32 or with both factors rounded to
/// bf16 and sums kept in fp32. Doubles are multiplied by kOwn unless Eigen is asked for.
enum class ProductBackend { kOwn, kEigen, kOneDnn, kOneDnnBf16 };

std::string_view product_backend_name(ProductBackend backend) noexcept;
/// Those of this build.
std::vector<ProductBackend> product_backends();
/// What matrix_product uses from now on where the caller does not say; kOwn at first. Set it before training starts.
void set_product_backend(ProductBackend backend);

/// out = left * right, plus `out` itself when `add`, plus the row `start` [columns] unless null. `out_stride` floats
/// lie between the rows of `out`. The one place where matrices are multiplied for training.
template <class Scalar>
void matrix_product(const Factor<Scalar>& left, const Factor<Scalar>& right, Scalar* out, std::size_t out_stride,
                    bool add = false, const Scalar* start = nullptr);

/// As above for a whole matrix; without `add` it is resized.
template <class Scalar>
void matrix_product(const Factor<Scalar>& left, const Factor<Scalar>& right, MatrixOf<Scalar>& out, bool add = false,
                    const Scalar* start = nullptr) {
  if (!add) out.resize(static_cast<Eigen::Index>(left.height()), static_cast<Eigen::Index>(right.width()));
  assert(static_cast<std::size_t>(out.rows()) == left.height() &&
         static_cast<std::size_t>(out.cols()) == right.width());
  matrix_product(left, right, out.data(), static_cast<std::size_t>(out.cols()), add, start);
}

/// The kernel of kOwn: out [rows, columns] (+)= in * right with in(r, k) = in[r * in_row + k * in_depth], right
/// [depth, columns]. Fuses well with what comes before and after it, as in attention.
template <class Scalar>
void multiply_lanes(const Scalar* in, std::size_t in_row, std::size_t in_depth, std::size_t rows, std::size_t depth,
                    const Scalar* right, std::size_t right_stride, std::size_t columns, Scalar* out,
                    std::size_t out_stride, bool add, const Scalar* start = nullptr) noexcept;

}  // namespace swipegym
