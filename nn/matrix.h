#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <span>

namespace swipegym {

/// Row-major, one row an example. Networks run in float; gradient checks instantiate the same code in double.
template <class Scalar>
using MatrixOf = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Matrix = MatrixOf<float>;

/// A view of a matrix, or of a block of its columns, that a function reads or writes; rows are contiguous.
template <class Scalar>
using ConstMatrixRef = const Eigen::Ref<const MatrixOf<Scalar>>&;
template <class Scalar>
using MatrixRef = Eigen::Ref<MatrixOf<Scalar>>;

/// A row-major block of somebody else's memory as a matrix.
template <class Scalar>
Eigen::Map<const MatrixOf<Scalar>> as_matrix(const Scalar* data, std::size_t rows, std::size_t columns) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns)};
}
template <class Scalar>
Eigen::Map<MatrixOf<Scalar>> as_matrix(Scalar* data, std::size_t rows, std::size_t columns) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns)};
}

}  // namespace swipegym
