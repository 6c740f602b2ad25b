#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

#include "core/random.h"
#include "nn/matrix.h"

namespace swipegym {

/// Rows of independent normals, N(mean, e^log_variance) element by element; all matrices are [n, d].

/// sample = mean + e^(log_variance / 2) * noise: the reparameterisation of Kingma & Welling, "Auto-encoding variational
/// Bayes" (ICLR 2014).
template <class Scalar>
void sample_rows(ConstMatrixRef<Scalar> mean, ConstMatrixRef<Scalar> log_variance, ConstMatrixRef<Scalar> noise,
                 MatrixOf<Scalar>& sample) {
  sample = mean.array() + (Scalar(0.5) * log_variance.array()).exp() * noise.array();
}

/// d log_variance, given d sample; d mean is d sample itself.
template <class Scalar>
void sample_rows_backward(ConstMatrixRef<Scalar> d_sample, ConstMatrixRef<Scalar> log_variance,
                          ConstMatrixRef<Scalar> noise, MatrixOf<Scalar>& d_log_variance) {
  d_log_variance = Scalar(0.5) * d_sample.array() * noise.array() * (Scalar(0.5) * log_variance.array()).exp();
}

/// sum_i weight_i KL(N(mean_i, variance_i) || N(0, 1)), where KL is the sum of (mean^2 + variance - log variance - 1) /
/// 2 over a row. Adds its derivatives to d_mean and d_log_variance unless they are null.
template <class Scalar>
double gaussian_kl(ConstMatrixRef<Scalar> mean, ConstMatrixRef<Scalar> log_variance, std::span<const Scalar> weight,
                   MatrixOf<Scalar>* d_mean, MatrixOf<Scalar>* d_log_variance) {
  double total = 0.0;
  for (Eigen::Index i = 0; i < mean.rows(); ++i) {
    const Scalar w = weight[static_cast<std::size_t>(i)];
    double row = 0.0;
    for (Eigen::Index d = 0; d < mean.cols(); ++d) {
      const Scalar m = mean(i, d), l = log_variance(i, d), variance = std::exp(l);
      row += 0.5 * static_cast<double>(m * m + variance - l - Scalar(1));
      if (d_mean != nullptr) (*d_mean)(i, d) += w * m;
      if (d_log_variance != nullptr) (*d_log_variance)(i, d) += Scalar(0.5) * w * (variance - Scalar(1));
    }
    total += static_cast<double>(w) * row;
  }
  return total;
}

/// Fills `out` with draws from N(0, 1) (Box and Muller).
inline void fill_normal(RandomStream random, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform_double()));
    const double angle = 2.0 * std::numbers::pi * random.uniform_double();
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

}  // namespace swipegym
