#pragma once

#include "nn/matrix.h"

namespace swipegym {

/// unit row i = row i of `rows` over its length; 1e-6 is added to the length, so that a row of zeros stays one.
template <class Scalar>
void to_unit_rows(ConstMatrixRef<Scalar> rows, MatrixOf<Scalar>& unit) {
  unit.resize(rows.rows(), rows.cols());
  for (Eigen::Index i = 0; i < rows.rows(); ++i) unit.row(i) = rows.row(i) / (rows.row(i).norm() + Scalar(1e-6));
}

/// d rows, given d unit: what lies along the unit vector changes nothing.
template <class Scalar>
void unit_rows_backward(ConstMatrixRef<Scalar> rows, const MatrixOf<Scalar>& unit, ConstMatrixRef<Scalar> d_unit,
                        MatrixOf<Scalar>& d_rows) {
  d_rows.resize(rows.rows(), rows.cols());
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    const Scalar along = unit.row(i).dot(d_unit.row(i));
    d_rows.row(i) = (d_unit.row(i) - along * unit.row(i)) / (rows.row(i).norm() + Scalar(1e-6));
  }
}

}  // namespace swipegym
