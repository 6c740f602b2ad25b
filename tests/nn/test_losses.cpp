#include <array>

#include "nn/losses.h"
#include "tests/nn/gradient_check.h"

namespace swipegym {
namespace {

using test::check_gradient;
using test::MatrixD;
using test::random_matrix;
using Rows = LossRows<double>;

constexpr std::array<double, 3> kWeight = {0.5, 2.0, 0.0};

TEST_CASE("losses have the values their formulas give by hand", "[nn]") {
  MatrixD z(1, 2), y(1, 2);
  z << 0.0, std::log(3.0);
  y << 0.0, 1.0;
  const std::array<std::int32_t, 1> target = {1};
  CHECK(softmax_cross_entropy<double>(z, target, {}, nullptr) == Approx(std::log(4.0 / 3.0)));
  CHECK(binary_cross_entropy<double>(z, y, {}, nullptr) == Approx(std::log(2.0) + std::log(4.0 / 3.0)));
  z << 0.5, -3.0;
  y << 0.0, 0.0;
  CHECK(huber<double>(z, y, 1.0, {}, nullptr) == Approx(0.125 + 2.5));
  CHECK(mean_squared_error<double>(z, y, {}, nullptr) == Approx(9.25));
}

TEST_CASE("every loss's gradient is its finite difference, with and without row weights", "[nn]") {
  MatrixD z = random_matrix(3, 11, 1, 2.0), gradient;  // 11 columns: a whole lane of the softmax and a remainder
  MatrixD target = random_matrix(3, 11, 2).cwiseAbs();
  const std::array<std::int32_t, 3> classes = {2, 10, 0};
  for (const Rows& rows : {Rows{}, Rows{.weight = kWeight}, Rows{.weight = kWeight, .total_weight = 7.0}}) {
    softmax_cross_entropy<double>(z, classes, rows, &gradient);
    check_gradient(z, gradient, [&] { return softmax_cross_entropy<double>(z, classes, rows, nullptr); });
    binary_cross_entropy<double>(z, target, rows, &gradient);
    check_gradient(z, gradient, [&] { return binary_cross_entropy<double>(z, target, rows, nullptr); });
    huber<double>(z, target, 0.7, rows, &gradient);
    check_gradient(z, gradient, [&] { return huber<double>(z, target, 0.7, rows, nullptr); });
    const MatrixD one = target.col(0);
    quantile_huber<double>(z, one, 0.7, rows, &gradient);
    check_gradient(z, gradient, [&] { return quantile_huber<double>(z, one, 0.7, rows, nullptr); });
    mean_squared_error<double>(z, target, rows, &gradient);
    check_gradient(z, gradient, [&] { return mean_squared_error<double>(z, target, rows, nullptr); });
  }
}

TEST_CASE("quantile regression finds the quantiles of what it is shown", "[nn]") {
  // Of 0, 1, ..., 99 four columns learn the levels 1/8, 3/8, 5/8 and 7/8.
  MatrixD values = MatrixD::Zero(1, 4), target(100, 1), gradient;
  for (Eigen::Index i = 0; i < 100; ++i) target(i, 0) = static_cast<double>(i);
  for (int step = 0; step < 4'000; ++step) {
    quantile_huber<double>(values.replicate(100, 1), target, 0.1, {}, &gradient);
    values -= 100.0 * gradient.colwise().sum();
  }
  for (Eigen::Index k = 0; k < 4; ++k) CHECK(values(0, k) == Approx(12.5 + 25.0 * static_cast<double>(k)).margin(1.0));
}

TEST_CASE("a row of weight 0 changes neither loss nor gradient", "[nn]") {
  const MatrixD z = random_matrix(3, 4, 5);
  const std::array<std::int32_t, 3> classes = {1, 2, 3};
  MatrixD all, two;
  const double with = softmax_cross_entropy<double>(z, classes, Rows{.weight = kWeight}, &all);
  const double without = softmax_cross_entropy<double>(z.topRows(2), std::span(classes).first(2),
                                                       Rows{.weight = std::span(kWeight).first(2)}, &two);
  CHECK(with == Approx(without));
  CHECK(all.topRows(2).isApprox(two));
  CHECK(all.row(2).isZero());
}

TEST_CASE("losses stay finite for extreme logits", "[nn]") {
  Matrix z(1, 3), y(1, 3), gradient;
  z << 1e4F, -1e4F, 0.0F;
  y << 1.0F, 0.0F, 1.0F;
  const std::array<std::int32_t, 1> target = {1};
  CHECK(softmax_cross_entropy<float>(z, target, {}, &gradient) == Approx(2e4));
  CHECK(gradient.allFinite());
  CHECK(binary_cross_entropy<float>(z, y, {}, &gradient) == Approx(std::log(2.0)));
  CHECK(gradient.allFinite());
}

TEST_CASE("softmax rows are distributions", "[nn]") {
  MatrixD z = random_matrix(4, 9, 8, 5.0);
  const MatrixD logits = z;
  softmax_rows(z);
  for (Eigen::Index row = 0; row < 4; ++row) {
    CHECK(z.row(row).sum() == Approx(1.0));
    CHECK(std::log(z(row, 0) / z(row, 8)) == Approx(logits(row, 0) - logits(row, 8)));
  }
}

}  // namespace
}  // namespace swipegym
