#include <catch2/catch.hpp>

#include "nn/matrix_product.h"
#include "tests/nn/gradient_check.h"

namespace swipegym {
namespace {

using test::MatrixD;
using test::random_matrix;

struct BackendGuard {
  ~BackendGuard() { set_product_backend(ProductBackend::kOwn); }
};

TEST_CASE("every backend gives the product of the factors as they lie or transposed", "[nn]") {
  const BackendGuard guard;
  for (const ProductBackend backend : product_backends()) {
    set_product_backend(backend);
    CAPTURE(product_backend_name(backend));
    // bf16 keeps 8 bits of each factor; sums are in fp32.
    const double tolerance = backend == ProductBackend::kOneDnnBf16 ? 1e-2 : 1e-5;
    for (const auto& [m, k, n] : {std::array<Eigen::Index, 3>{13, 64, 64}, {1, 3, 5}, {29, 300, 50}, {64, 7, 83}}) {
      CAPTURE(m, k, n);
      const Matrix a = random_matrix(m, k, 1).cast<float>(), b = random_matrix(k, n, 2).cast<float>();
      const Matrix start = random_matrix(1, n, 3).cast<float>();
      const MatrixD exact = a.cast<double>() * b.cast<double>();
      const Matrix a_turned = a.transpose(), b_turned = b.transpose();
      const double scale = exact.cwiseAbs().maxCoeff();
      const auto close = [&](const Matrix& got, const MatrixD& want) {
        return (got.cast<double>() - want).cwiseAbs().maxCoeff() <= tolerance * scale;
      };
      Matrix out;
      matrix_product<float>(a, b, out);
      CHECK(close(out, exact));
      matrix_product<float>(transposed(a_turned), b, out, true);
      CHECK(close(out, 2.0 * exact));
      matrix_product<float>(a, transposed(b_turned), out, false, start.data());
      CHECK(close(out, exact.rowwise() + start.cast<double>().row(0)));
      matrix_product<float>(transposed(a_turned), transposed(b_turned), out);
      CHECK(close(out, exact));
    }
  }
}

TEST_CASE("a row of a product by lanes does not depend on the rows around it", "[nn]") {
  const Matrix a = random_matrix(31, 70, 5).cast<float>(), b = random_matrix(70, 90, 6).cast<float>();
  Matrix whole;
  matrix_product<float>(a, b, whole);
  for (Eigen::Index row = 0; row < a.rows(); ++row) {
    const Matrix one = a.row(row);
    Matrix out;
    matrix_product<float>(one, b, out);
    CHECK(out.row(0) == whole.row(row));
  }
}

TEST_CASE("doubles are multiplied in double", "[nn]") {
  const MatrixD a = random_matrix(9, 21, 7), b = random_matrix(21, 11, 8);
  MatrixD out;
  matrix_product<double>(a, b, out);
  CHECK((out - a * b).cwiseAbs().maxCoeff() < 1e-14);
}

}  // namespace
}  // namespace swipegym
