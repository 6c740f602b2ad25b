#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "core/random.h"
#include "nn/matrix.h"

namespace swipegym::test {

using MatrixD = MatrixOf<double>;

/// Uniform on [-scale, scale].
inline MatrixD random_matrix(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed, double scale = 1.0) {
  RandomStream random(make_key(seed));
  MatrixD matrix(rows, columns);
  for (Eigen::Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = scale * (2.0 * random.uniform_double() - 1.0);
  return matrix;
}

/// Compares `analytic` with central differences of `loss` as each element of `variable` moves. Both are in double, so
/// the differences are good to about 1e-9.
inline void check_gradient(MatrixD& variable, const MatrixD& analytic, const std::function<double()>& loss) {
  REQUIRE(variable.rows() == analytic.rows());
  REQUIRE(variable.cols() == analytic.cols());
  constexpr double kStep = 1e-5;
  for (Eigen::Index i = 0; i < variable.size(); ++i) {
    const double centre = variable.data()[i];
    variable.data()[i] = centre + kStep;
    const double above = loss();
    variable.data()[i] = centre - kStep;
    const double below = loss();
    variable.data()[i] = centre;
    CAPTURE(i, variable.rows(), variable.cols());
    CHECK(analytic.data()[i] == Approx((above - below) / (2.0 * kStep)).margin(1e-8).epsilon(1e-6));
  }
}

}  // namespace swipegym::test
