#include <catch2/catch.hpp>

#include "core/lanes.h"
#include "nn/affine_rows.h"
#include "tests/nn/gradient_check.h"

namespace swipegym {
namespace {

Matrix random_floats(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed) {
  return test::random_matrix(rows, columns, seed).cast<float>();
}

}  // namespace

TEST_CASE("affine_rows is the product, from its beginnings on", "[nn]") {
  constexpr Eigen::Index kRows = 16, kDepth = 37;
  for (const Eigen::Index vectors : {1, 2, 3, 4, 5, 7, 8}) {
    const Eigen::Index width = vectors * static_cast<Eigen::Index>(kLanes);
    CAPTURE(width);
    const Matrix in = random_floats(kRows, kDepth + 3, 1), weight = random_floats(kDepth, width, 2);
    const Matrix parts = random_floats(4, width, 3);
    std::array<std::array<const float*, 4>, kRows> start;
    for (std::size_t r = 0; r < start.size(); ++r)
      start[r] = {parts.data(), parts.data() + width, parts.data() + 2 * width,
                  parts.data() + static_cast<Eigen::Index>(r % 4) * width};
    const Matrix product = in.leftCols(kDepth) * weight;
    for (const bool rectify : {false, true}) {
      Matrix out = Matrix::Constant(kRows, width + 5, 7.0F);
      affine_rows<4>(start, in.data(), kDepth + 3, weight, rectify, out.data(), static_cast<std::size_t>(width + 5));
      for (Eigen::Index r = 0; r < kRows; ++r)
        for (Eigen::Index c = 0; c < width; ++c) {
          const float sum = product(r, c) + parts(0, c) + parts(1, c) + parts(2, c) + parts(r % 4, c);
          CHECK(out(r, c) == Approx(rectify ? std::max(sum, 0.0F) : sum).margin(2e-5));
        }
      CHECK((out.rightCols(5).array() == 7.0F).all());  // nothing beyond the width is written
    }
  }
}

TEST_CASE("a row of affine_rows has the same bits wherever it stands", "[nn]") {
  const Matrix weight = random_floats(48, 80, 4), bias = random_floats(1, 80, 5), one = random_floats(1, 48, 6);
  Matrix in = random_floats(24, 48, 7), out(24, 80);
  for (const Eigen::Index at : {0, 3, 7, 8, 23}) in.row(at) = one;
  std::array<std::array<const float*, 1>, 24> start;
  start.fill({bias.data()});
  affine_rows<1>(start, in.data(), 48, weight, false, out.data(), 80);
  for (const Eigen::Index at : {3, 7, 8, 23}) CHECK((out.row(at).array() == out.row(0).array()).all());
}

}  // namespace swipegym
