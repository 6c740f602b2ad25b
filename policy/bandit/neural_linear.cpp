#include "policy/bandit/neural_linear.h"

#include <algorithm>
#include <cmath>

#include "core/random_draws.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr Eigen::Index kPosteriorRows = 256;  // in double at a time

// body(first row, block of rows in double)
template <class Body>
void for_blocks(ConstMatrixRef<float> features, const Body& body) {
  for (Eigen::Index row = 0; row < features.rows(); row += kPosteriorRows) {
    const Eigen::Index count = std::min(kPosteriorRows, features.rows() - row);
    body(row, MatrixOf<double>(features.middleRows(row, count).cast<double>()));
  }
}

}  // namespace

NeuralLinear::NeuralLinear(const NeuralLinearConfig& config) : config_(config) {
  check_ranges(config_);
  const auto d = static_cast<Eigen::Index>(config_.features);
  squares_ = Eigen::MatrixXd::Zero(d, d);
  products_ = Eigen::VectorXd::Zero(d);
  solve();
}

NeuralLinear::NeuralLinear(const NeuralLinearConfig& config, const LastLayerSums& sums) : NeuralLinear(config) {
  sums.validate();
  require_size("features of the sums", sums.features, config_.features);
  const auto d = static_cast<Eigen::Index>(config_.features);
  squares_ = Eigen::Map<const Eigen::MatrixXd>(sums.squares.data(), d, d);
  products_ = Eigen::Map<const Eigen::VectorXd>(sums.products.data(), d);
  rewards_ = sums.rewards, rows_ = sums.rows;
  solve();
  require_that("sums/squares", factor_.info() == Eigen::Success, "a matrix without a negative direction");
}

void NeuralLinear::require_rows(ConstMatrixRef<float> features, std::size_t values) const {
  require_size("features of a row", static_cast<std::size_t>(features.cols()), config_.features);
  require_size("values", values, static_cast<std::size_t>(features.rows()));
  for (Eigen::Index row = 0; row < features.rows(); ++row)
    require_finite("features", std::span(features.data() + row * features.outerStride(), config_.features));
}

void NeuralLinear::update(ConstMatrixRef<float> features, std::span<const float> rewards) {
  require_rows(features, rewards.size());
  require_finite("rewards", rewards);
  for_blocks(features, [&](Eigen::Index first, const MatrixOf<double>& x) {
    const Eigen::VectorXd r = Eigen::Map<const Eigen::VectorXf>(rewards.data() + first, x.rows()).cast<double>();
    squares_.noalias() += x.transpose() * x;
    products_.noalias() += x.transpose() * r;
    rewards_ += r.squaredNorm();
  });
  rows_ += static_cast<double>(rewards.size());
  solved_ = false;
}

void NeuralLinear::decay(double keep) {
  require_between("keep", keep, 0.0, 1.0);
  squares_ *= keep, products_ *= keep, rewards_ *= keep, rows_ *= keep;
  solved_ = false;
}

void NeuralLinear::solve() {
  Eigen::MatrixXd a = squares_;
  a.diagonal().array() += config_.ridge;
  factor_.compute(a);
  weights_ = factor_.solve(products_);
  shape_ = config_.shape + 0.5 * rows_;
  // y'y - w' A w, the residual and the prior's part: never negative but by rounding.
  scale_ = config_.scale + 0.5 * std::max(0.0, rewards_ - products_.dot(weights_));
  solved_ = true;
}

void NeuralLinear::require_solved() const {
  require_that("neural-linear posterior", solved_, "solve() after update() and decay()");
}

const Eigen::VectorXd& NeuralLinear::weights() const {
  require_solved();
  return weights_;
}
double NeuralLinear::shape() const {
  require_solved();
  return shape_;
}
double NeuralLinear::scale() const {
  require_solved();
  return scale_;
}
double NeuralLinear::noise_variance() const {
  require_solved();
  return scale_ / (shape_ - 1.0);
}

void NeuralLinear::means(ConstMatrixRef<float> features, std::span<double> out) const {
  require_solved();
  require_rows(features, out.size());
  for_blocks(features, [&](Eigen::Index first, const MatrixOf<double>& x) {
    Eigen::Map<Eigen::VectorXd>(out.data() + first, x.rows()).noalias() = x * weights_;
  });
}

void NeuralLinear::deviations(ConstMatrixRef<float> features, std::span<double> out) const {
  require_rows(features, out.size());
  const double variance = noise_variance();
  for_blocks(features, [&](Eigen::Index first, const MatrixOf<double>& x) {
    const Eigen::MatrixXd half = factor_.matrixL().solve(x.transpose());  // x' A^-1 x = |L^-1 x|^2
    Eigen::Map<Eigen::VectorXd>(out.data() + first, x.rows()) =
        (variance * half.colwise().squaredNorm().transpose().array()).sqrt().matrix();
  });
}

Eigen::VectorXd NeuralLinear::draw_weights(RandomKey key) const {
  require_solved();
  RandomStream random(key);
  const double deviation = std::sqrt(scale_ / draw_gamma(random, shape_));
  Eigen::VectorXd normals(weights_.size());
  for (Eigen::Index i = 0; i < normals.size(); i += 2) {
    const auto pair = draw_normal_pair(random);
    normals[i] = pair[0];
    if (i + 1 < normals.size()) normals[i + 1] = pair[1];
  }
  // Var(L'^-1 z) = (L L')^-1.
  return weights_ + deviation * factor_.matrixU().solve(normals);
}

void NeuralLinear::score_thompson(ConstMatrixRef<float> features, RandomKey key, std::span<double> out) const {
  require_rows(features, out.size());
  const Eigen::VectorXd drawn = draw_weights(key);
  for_blocks(features, [&](Eigen::Index first, const MatrixOf<double>& x) {
    Eigen::Map<Eigen::VectorXd>(out.data() + first, x.rows()).noalias() = x * drawn;
  });
}

}  // namespace swipegym
