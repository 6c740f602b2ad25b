#include "nn/dice.h"

#include <cmath>

#include "nn/fast_math.h"

namespace swipegym {

template <class Scalar>
DiceOf<Scalar>::DiceOf(std::size_t width) {
  for (ParameterOf<Scalar>* parameter : {&gamma, &beta, &alpha}) {
    parameter->resize(1, width);
    parameter->decays = false;
  }
  gamma.value.setOnes();
  running_mean.resize(1, width), running_variance.resize(1, width);
  running_variance.value.setOnes();
}

// Joins two parts of a sample (Chan, Golub, LeVeque 1983).
template <class Scalar>
void DiceOf<Scalar>::Moments::join(const Moments& other) {
  if (other.rows == 0) return;
  if (rows == 0) {
    *this = other;
    return;
  }
  const auto n = static_cast<double>(rows), m = static_cast<double>(other.rows);
  const Eigen::ArrayXd apart = other.mean - mean;
  mean += apart * (m / (n + m));
  squares += other.squares + apart.square() * (n * m / (n + m));
  rows += other.rows;
}

template <class Scalar>
typename DiceOf<Scalar>::Moments DiceOf<Scalar>::moments(ConstMatrixRef<Scalar> x) {
  Moments out;
  out.rows = static_cast<std::size_t>(x.rows());
  const Row mean = x.array().colwise().mean();
  out.mean = mean.transpose().template cast<double>();
  out.squares = (x.array().rowwise() - mean).square().colwise().sum().transpose().template cast<double>();
  return out;
}

template <class Scalar>
void DiceOf<Scalar>::use(const Moments& batch, bool remember) {
  const auto n = static_cast<double>(batch.rows);
  const Eigen::ArrayXd variance = batch.squares / n;
  mean_ = batch.mean.transpose().template cast<Scalar>();
  inverse_deviation_ = (variance + kEpsilon).rsqrt().transpose().template cast<Scalar>();
  if (!remember) return;
  const auto move = [](MatrixOf<Scalar>& running, const Eigen::ArrayXd& now) {
    running.array() *= static_cast<Scalar>(1.0 - kMomentum);
    running.array() += (kMomentum * now).transpose().template cast<Scalar>();
  };
  move(running_mean.value, batch.mean);
  move(running_variance.value, n > 1.0 ? Eigen::ArrayXd(batch.squares / (n - 1.0)) : variance);
}

template <class Scalar>
void DiceOf<Scalar>::use_running() {
  mean_ = running_mean.value.array().row(0);
  inverse_deviation_ = (running_variance.value.array().row(0) + static_cast<Scalar>(kEpsilon)).rsqrt();
}

template <class Scalar>
void DiceOf<Scalar>::predict(ConstMatrixRef<Scalar> x, Work& work, MatrixOf<Scalar>& y) const {
  apply_with(x, running_mean.value.array().row(0),
             (running_variance.value.array().row(0) + static_cast<Scalar>(kEpsilon)).rsqrt(), work, y);
}

template <class Scalar>
void DiceOf<Scalar>::apply_with(ConstMatrixRef<Scalar> x, const Row& means, const Row& inverse_deviation, Work& work,
                                MatrixOf<Scalar>& y) const {
  const Eigen::Index width = x.cols();
  work.normal.resize(x.rows(), width), work.gate.resize(x.rows(), width);
  y.resize(x.rows(), width);
  const Scalar *g = gamma.value.data(), *b = beta.value.data(), *a = alpha.value.data();
  const Scalar *mean = means.data(), *inverse = inverse_deviation.data();
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const Scalar* in = x.row(i).data();
    Scalar *normal = work.normal.data() + i * width, *gate = work.gate.data() + i * width, *out = y.data() + i * width;
    for (Eigen::Index j = 0; j < width; ++j) {
      normal[j] = (in[j] - mean[j]) * inverse[j];
      gate[j] = fast_sigmoid(g[j] * normal[j] + b[j]);
      out[j] = in[j] * (gate[j] + a[j] * (Scalar(1) - gate[j]));
    }
  }
}

template <class Scalar>
typename DiceOf<Scalar>::Sums DiceOf<Scalar>::backward_sums(ConstMatrixRef<Scalar> x, const MatrixOf<Scalar>& d_y,
                                                            Work& work, std::size_t shard) {
  const Eigen::Index width = x.cols();
  work.d_normal.resize(x.rows(), width);
  const Scalar *g = gamma.value.data(), *a = alpha.value.data();
  Scalar *d_gamma = gamma.shards[shard].data(), *d_beta = beta.shards[shard].data();
  Scalar* d_alpha = alpha.shards[shard].data();
  Row sum = Row::Zero(width), sum_normal = Row::Zero(width);
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const Scalar *in = x.row(i).data(), *d = d_y.data() + i * width;
    const Scalar *normal = work.normal.data() + i * width, *gate = work.gate.data() + i * width;
    Scalar* out = work.d_normal.data() + i * width;
    for (Eigen::Index j = 0; j < width; ++j) {
      const Scalar d_gate = d[j] * in[j] * (Scalar(1) - a[j]) * gate[j] * (Scalar(1) - gate[j]);
      d_alpha[j] += d[j] * in[j] * (Scalar(1) - gate[j]);
      d_beta[j] += d_gate;
      d_gamma[j] += d_gate * normal[j];
      out[j] = d_gate * g[j];
      sum[j] += out[j];
      sum_normal[j] += out[j] * normal[j];
    }
  }
  return {sum.transpose().template cast<double>(), sum_normal.transpose().template cast<double>()};
}

template <class Scalar>
void DiceOf<Scalar>::backward(ConstMatrixRef<Scalar> x, const Work& work, const Sums& batch, std::size_t rows,
                              MatrixOf<Scalar>& d_y) const {
  const Eigen::Index width = x.cols();
  const double share = rows > 0 ? 1.0 / static_cast<double>(rows) : 0.0;
  const Row mean = (batch.d * share).transpose().template cast<Scalar>();
  const Row mean_normal = (batch.d_normal * share).transpose().template cast<Scalar>();
  const Scalar* a = alpha.value.data();
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const Scalar *normal = work.normal.data() + i * width, *gate = work.gate.data() + i * width;
    const Scalar* d_normal = work.d_normal.data() + i * width;
    Scalar* d = d_y.data() + i * width;
    for (Eigen::Index j = 0; j < width; ++j)
      d[j] = d[j] * (gate[j] + a[j] * (Scalar(1) - gate[j])) +
             inverse_deviation_[j] * (d_normal[j] - mean[j] - normal[j] * mean_normal[j]);
  }
}

template <class Scalar>
void DiceOf<Scalar>::collect(std::vector<ParameterOf<Scalar>*>& parameters) {
  for (ParameterOf<Scalar>* parameter : {&gamma, &beta, &alpha}) parameters.push_back(parameter);
}

template class DiceOf<float>;
template class DiceOf<double>;

}  // namespace swipegym
