#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <vector>

#include "nn/gaussian_rows.h"
#include "nn/unit_rows.h"
#include "tests/nn/gradient_check.h"

namespace swipegym {
namespace {

using test::MatrixD;
using test::random_matrix;

TEST_CASE("the divergence of normals from N(0, 1) is the closed form, and zero for N(0, 1) itself", "[nn]") {
  const std::vector<double> one(1, 1.0);
  CHECK(gaussian_kl<double>(MatrixD::Zero(1, 4), MatrixD::Zero(1, 4), one, nullptr, nullptr) == 0.0);
  // One number by quadrature: the integral of q ln(q / p) over twelve deviations to each side.
  const double mean = 0.7, deviation = 0.4;
  double integral = 0.0;
  constexpr int kSteps = 20000;
  for (int i = 0; i < kSteps; ++i) {
    const double t = -12.0 + 24.0 * (i + 0.5) / kSteps, x = mean + deviation * t;
    const double q = std::exp(-0.5 * t * t) / (deviation * std::sqrt(2.0 * std::numbers::pi));
    integral += q * (-0.5 * t * t - std::log(deviation) + 0.5 * x * x) * deviation * 24.0 / kSteps;
  }
  const MatrixD m = MatrixD::Constant(1, 1, mean), l = MatrixD::Constant(1, 1, 2.0 * std::log(deviation));
  CHECK(gaussian_kl<double>(m, l, one, nullptr, nullptr) == Approx(integral).epsilon(1e-9));
  const std::vector<double> weight = {2.5};
  CHECK(gaussian_kl<double>(m, l, weight, nullptr, nullptr) == Approx(2.5 * integral).epsilon(1e-9));
}

TEST_CASE("gradients of drawn unit rows and of divergences are those of central differences", "[nn]") {
  MatrixD mean = random_matrix(3, 4, 1), log_variance = random_matrix(3, 4, 2);
  const MatrixD noise = random_matrix(3, 4, 3, 2.0), slope = random_matrix(3, 4, 4);
  const std::vector<double> weight = {0.3, 0.0, 1.2};
  const auto loss = [&] {
    MatrixD sample, unit;
    sample_rows<double>(mean, log_variance, noise, sample);
    to_unit_rows<double>(sample, unit);
    return unit.cwiseProduct(slope).sum() + gaussian_kl<double>(mean, log_variance, weight, nullptr, nullptr);
  };
  MatrixD sample, unit, d_mean, d_log_variance;
  sample_rows<double>(mean, log_variance, noise, sample);
  to_unit_rows<double>(sample, unit);
  // Drawn before it is brought to length 1: the length is 1 whatever was drawn.
  for (Eigen::Index i = 0; i < unit.rows(); ++i) CHECK(unit.row(i).norm() == Approx(1.0).epsilon(1e-5));
  unit_rows_backward<double>(sample, unit, slope, d_mean);
  sample_rows_backward<double>(d_mean, log_variance, noise, d_log_variance);
  gaussian_kl<double>(mean, log_variance, weight, &d_mean, &d_log_variance);
  // The 1e-6 beside a length is not followed back: a relative 1e-6 of the gradient.
  const auto check = [&](MatrixD& variable, const MatrixD& analytic) {
    for (Eigen::Index i = 0; i < variable.size(); ++i) {
      const double centre = variable.data()[i];
      variable.data()[i] = centre + 1e-5;
      const double above = loss();
      variable.data()[i] = centre - 1e-5;
      const double below = loss();
      variable.data()[i] = centre;
      CHECK(analytic.data()[i] == Approx((above - below) / 2e-5).margin(2e-6).epsilon(1e-5));
    }
  };
  check(mean, d_mean);
  check(log_variance, d_log_variance);
}

TEST_CASE("normal draws have the moments and the shares of N(0, 1)", "[nn]") {
  std::vector<float> draws(200'001);
  fill_normal(RandomStream(make_key(5)), draws);
  double sum = 0.0, squares = 0.0, fourth = 0.0, inside = 0.0;
  for (const float x : draws) {
    const double d = x;
    sum += d, squares += d * d, fourth += d * d * d * d, inside += std::abs(d) < 1.0;
  }
  const auto n = static_cast<double>(draws.size());
  CHECK(sum / n == Approx(0.0).margin(4.0 / std::sqrt(n)));  // four standard errors each
  CHECK(squares / n == Approx(1.0).margin(4.0 * std::sqrt(2.0 / n)));
  CHECK(fourth / n == Approx(3.0).margin(4.0 * std::sqrt(96.0 / n)));
  CHECK(inside / n == Approx(0.6827).margin(4.0 * std::sqrt(0.25 / n)));
}

}  // namespace
}  // namespace swipegym
