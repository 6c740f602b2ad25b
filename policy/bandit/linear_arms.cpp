#include "policy/bandit/linear_arms.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "core/validate.h"

namespace swipegym {
namespace {

using Dense = MatrixOf<double>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;

void require_arm(std::uint32_t arm, std::size_t arms) {
  require_below("arm", std::span<const std::uint32_t>(&arm, 1), arms);
}

ConstVector as_vector(std::span<const double> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}

}  // namespace

LinearArms::LinearArms(const LinearArmsConfig& config) : config_(config), gain_(config.features) {
  check_ranges(config_);
}

std::uint32_t LinearArms::add(std::size_t count) {
  const auto first = static_cast<std::uint32_t>(size_);
  size_ += count;
  theta_.resize(size_ * config_.features, 0.0);
  inverse_.resize(size_ * block(), config_.diagonal ? 1.0 / config_.ridge : 0.0);
  if (!config_.diagonal)
    for (std::size_t arm = first; arm < size_; ++arm)
      for (std::size_t j = 0; j < config_.features; ++j)
        inverse_[arm * block() + j * (config_.features + 1)] = 1.0 / config_.ridge;
  return first;
}

std::uint32_t LinearArms::add(const LastLayerSums& sums) {
  sums.validate();
  require_size("features of the sums", sums.features, config_.features);
  const std::uint32_t arm = add();
  const auto d = static_cast<Eigen::Index>(config_.features);
  Eigen::Map<Eigen::VectorXd> theta(theta_.data() + arm * config_.features, d);
  const ConstVector products = as_vector(sums.products);
  Eigen::MatrixXd a = Eigen::Map<const Eigen::MatrixXd>(sums.squares.data(), d, d);
  a.diagonal().array() += config_.ridge;
  if (config_.diagonal) {
    Eigen::Map<Eigen::VectorXd> inverse(inverse_.data() + arm * block(), d);
    inverse = a.diagonal().cwiseInverse();
    theta = inverse.cwiseProduct(products);
    return arm;
  }
  const Eigen::LLT<Eigen::MatrixXd> factor(a);
  require_that("sums/squares", factor.info() == Eigen::Success, "a matrix without a negative direction");
  Eigen::Map<Dense>(inverse_.data() + arm * block(), d, d) = factor.solve(Eigen::MatrixXd::Identity(d, d));
  theta = factor.solve(products);
  return arm;
}

void LinearArms::require(std::uint32_t arm, std::span<const double> x) const {
  require_arm(arm, size_);
  require_size("x", x.size(), config_.features);
  require_finite("x", x);
}

std::span<const double> LinearArms::theta(std::uint32_t arm) const {
  require_arm(arm, size_);
  return std::span(theta_).subspan(arm * config_.features, config_.features);
}
std::span<const double> LinearArms::inverse(std::uint32_t arm) const {
  require_arm(arm, size_);
  return std::span(inverse_).subspan(arm * block(), block());
}

void LinearArms::update(std::uint32_t arm, std::span<const double> x, double reward) {
  require(arm, x);
  require_finite("reward", std::span<const double>(&reward, 1));
  const std::size_t d = config_.features;
  const std::span<double> theta = std::span(theta_).subspan(arm * d, d);
  const std::span<double> inverse = std::span(inverse_).subspan(arm * block(), block());
  if (config_.diagonal) {  // theta_j A_j is the sum of r x_j, so it need not be kept
    for (std::size_t j = 0; j < d; ++j) {
      const double precision = 1.0 / inverse[j], sum = theta[j] * precision + reward * x[j];
      inverse[j] = 1.0 / (precision + x[j] * x[j]);
      theta[j] = sum * inverse[j];
    }
    return;
  }
  Eigen::Map<Dense> a(inverse.data(), static_cast<Eigen::Index>(d), static_cast<Eigen::Index>(d));
  Eigen::Map<Eigen::VectorXd> gain(gain_.data(), static_cast<Eigen::Index>(d)),
      t(theta.data(), static_cast<Eigen::Index>(d));
  const ConstVector v = as_vector(x);
  gain.noalias() = a * v;
  const double scale = 1.0 / (1.0 + v.dot(gain)), error = reward - v.dot(t);
  t.noalias() += (scale * error) * gain;
  for (Eigen::Index i = 0; i < a.rows(); ++i) a.row(i).noalias() -= (scale * gain[i]) * gain.transpose();
}

double LinearArms::mean(std::uint32_t arm, std::span<const double> x) const {
  require(arm, x);
  return as_vector(x).dot(as_vector(theta(arm)));
}

double LinearArms::deviation(std::uint32_t arm, std::span<const double> x) const {
  require(arm, x);
  const std::span<const double> a = inverse(arm);
  const std::size_t d = config_.features;
  double sum = 0.0;
  for (std::size_t i = 0; i < d; ++i)
    sum += config_.diagonal ? x[i] * x[i] * a[i] : x[i] * as_vector(a.subspan(i * d, d)).dot(as_vector(x));
  return std::sqrt(std::max(0.0, sum));
}

void LinearArms::score_arms(std::span<const std::uint32_t> list, std::span<const double> x, double width,
                            std::span<double> out) const {
  require_that("list of arms", !list.empty(), "at least one");
  require_size("scores", out.size(), list.size());
  for (std::size_t i = 0; i < list.size(); ++i) out[i] = upper(list[i], x, width);
}

void LinearArms::score_rows(std::uint32_t arm, ConstMatrixRef<double> rows, double width, std::span<double> out) const {
  require_size("scores", out.size(), static_cast<std::size_t>(rows.rows()));
  for (Eigen::Index i = 0; i < rows.rows(); ++i)
    out[static_cast<std::size_t>(i)] =
        upper(arm, {rows.data() + i * rows.outerStride(), static_cast<std::size_t>(rows.cols())}, width);
}

void LinearArms::decay(double keep) {
  require_between("keep", keep, 0.0, 1.0);
  const double more = (1.0 - keep) * config_.ridge;
  const auto d = static_cast<Eigen::Index>(config_.features);
  if (config_.diagonal) {
    for (std::size_t i = 0; i < inverse_.size(); ++i) {
      const double precision = 1.0 / inverse_[i];
      inverse_[i] = 1.0 / (keep * precision + more);
      theta_[i] *= keep * precision * inverse_[i];
    }
    return;
  }
  const Eigen::MatrixXd one = Eigen::MatrixXd::Identity(d, d);
  for (std::size_t arm = 0; arm < size_; ++arm) {
    Eigen::Map<Dense> inverse(inverse_.data() + arm * block(), d, d);
    Eigen::Map<Eigen::VectorXd> theta(theta_.data() + arm * config_.features, d);
    const Eigen::MatrixXd a = Eigen::MatrixXd(inverse).llt().solve(one);
    const Eigen::VectorXd sum = keep * (a * theta);
    const Eigen::LLT<Eigen::MatrixXd> now(keep * a + more * one);
    theta = now.solve(sum);
    inverse = now.solve(one);
  }
}

}  // namespace swipegym
