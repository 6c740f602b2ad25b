#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "nn/matrix.h"

/// What PyTorch recorded beside the scripts of tests/parity.
namespace swipegym::test {

inline Json read_recorded(std::string_view file) {
  return read_json(std::filesystem::path(SWIPEGYM_SOURCE_DIR) / "tests/parity" / file);
}

template <class Scalar>
MatrixOf<Scalar> matrix_of(const Json& tensor) {
  const auto rows = tensor.at("rows").get<std::size_t>(), columns = tensor.at("columns").get<std::size_t>();
  const auto values = tensor.at("values").get<std::vector<double>>();
  REQUIRE(values.size() == rows * columns);
  return as_matrix(values.data(), rows, columns).template cast<Scalar>();
}

/// |a - b| against what PyTorch recorded: fp64 to 1e-8 + 1e-6 max |b|, fp32 to 1e-4 max |b|.
template <class Scalar>
void check_close(const MatrixOf<Scalar>& got, const MatrixOf<double>& want) {
  REQUIRE(got.rows() == want.rows());
  REQUIRE(got.cols() == want.cols());
  REQUIRE(got.allFinite());  // the largest of numbers that are none is no bound
  const double largest = want.cwiseAbs().maxCoeff();
  const double error = (got.template cast<double>() - want).cwiseAbs().maxCoeff();
  CHECK(error <= (sizeof(Scalar) == 8 ? 1e-8 + 1e-6 * largest : 1e-4 * largest));
}
template <class Scalar>
void check_close(const MatrixOf<Scalar>& got, const Json& recorded) {
  check_close(got, matrix_of<double>(recorded));
}

}  // namespace swipegym::test
