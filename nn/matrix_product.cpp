#include "nn/matrix_product.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "nn/onednn_product.h"

namespace swipegym {
namespace {

std::atomic<ProductBackend> chosen_backend{ProductBackend::kOwn};

template <class Scalar>
using StridedMap = Eigen::Map<
    std::conditional_t<std::is_const_v<Scalar>, const MatrixOf<std::remove_const_t<Scalar>>, MatrixOf<Scalar>>, 0,
    Eigen::OuterStride<>>;

template <class Scalar>
StridedMap<Scalar> strided(Scalar* data, std::size_t rows, std::size_t columns, std::size_t stride) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns),
          Eigen::OuterStride<>(static_cast<Eigen::Index>(stride))};
}

template <class Scalar>
void multiply_eigen(const Factor<Scalar>& left, const Factor<Scalar>& right, Scalar* out, std::size_t out_stride) {
  const auto l = strided(left.data, left.rows, left.columns, left.stride);
  const auto r = strided(right.data, right.rows, right.columns, right.stride);
  auto result = strided(out, left.height(), right.width(), out_stride);
  if (left.transposed && right.transposed)
    result.noalias() += l.transpose() * r.transpose();
  else if (left.transposed)
    result.noalias() += l.transpose() * r;
  else if (right.transposed)
    result.noalias() += l * r.transpose();
  else
    result.noalias() += l * r;
}

// The right factor as rows of `columns` contiguous numbers, which a transpose must be copied for.
template <class Scalar>
const Scalar* laid_out(const Factor<Scalar>& factor, std::vector<Scalar>& room) {
  room.resize(factor.rows * factor.columns);
  constexpr std::size_t kTile = 16;  // lines of the source that are read together
  for (std::size_t r0 = 0; r0 < factor.rows; r0 += kTile)
    for (std::size_t c = 0; c < factor.columns; ++c)
      for (std::size_t r = r0; r < std::min(r0 + kTile, factor.rows); ++r)
        room[c * factor.rows + r] = factor.data[r * factor.stride + c];
  return room.data();
}

template <class Scalar>
void prepare(const Factor<Scalar>& left, const Factor<Scalar>& right, Scalar* out, std::size_t out_stride, bool add,
             const Scalar* start) {
  for (std::size_t row = 0; row < left.height(); ++row) {
    Scalar* to = out + row * out_stride;
    if (!add) std::fill_n(to, right.width(), Scalar(0));
    if (start != nullptr)
      for (std::size_t c = 0; c < right.width(); ++c) to[c] += start[c];
  }
}

}  // namespace

std::string_view product_backend_name(ProductBackend backend) noexcept {
  static constexpr std::array<std::string_view, 4> kNames = {"lanes", "eigen", "onednn", "onednn_bf16"};
  return kNames[static_cast<std::size_t>(backend)];
}

std::vector<ProductBackend> product_backends() {
  std::vector<ProductBackend> backends = {ProductBackend::kOwn, ProductBackend::kEigen};
  if (has_onednn()) backends.push_back(ProductBackend::kOneDnn);
  if (has_onednn_bf16()) backends.push_back(ProductBackend::kOneDnnBf16);
  return backends;
}

void set_product_backend(ProductBackend backend) {
  const std::vector<ProductBackend> known = product_backends();
  if (std::find(known.begin(), known.end(), backend) == known.end())
    throw InputError("this build has no matrix products by " + std::string(product_backend_name(backend)) +
                     ": install libdnnl-dev and configure again" +
                     (backend == ProductBackend::kOneDnnBf16 ? ", on a processor with bf16" : ""));
  chosen_backend = backend;
}

template <class Scalar>
void matrix_product(const Factor<Scalar>& left, const Factor<Scalar>& right, Scalar* out, std::size_t out_stride,
                    bool add, const Scalar* start) {
  assert(left.width() == right.height());
  ProductBackend backend = chosen_backend;
  if constexpr (std::is_same_v<Scalar, double>)
    if (backend != ProductBackend::kEigen) backend = ProductBackend::kOwn;
  if (backend == ProductBackend::kOwn) {
    thread_local std::vector<Scalar> room;
    const Scalar* rows = right.transposed ? laid_out(right, room) : right.data;
    multiply_lanes(left.data, left.transposed ? 1 : left.stride, left.transposed ? left.stride : 1, left.height(),
                   left.width(), rows, right.transposed ? right.rows : right.stride, right.width(), out, out_stride,
                   add, start);
    return;
  }
  prepare(left, right, out, out_stride, add, start);
  if constexpr (std::is_same_v<Scalar, float>)
    if (backend != ProductBackend::kEigen)
      return multiply_onednn(left, right, out, out_stride, backend == ProductBackend::kOneDnnBf16);
  multiply_eigen(left, right, out, out_stride);
}

template void matrix_product(const Factor<float>&, const Factor<float>&, float*, std::size_t, bool, const float*);
template void matrix_product(const Factor<double>&, const Factor<double>&, double*, std::size_t, bool, const double*);

}  // namespace swipegym
