#include "nn/soft_top_k.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cassert>
#include <cmath>

namespace swipegym {
namespace {

constexpr double kMarginalTolerance = 1e-13;

double logistic(double x) {
  return x >= 0.0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x));
}

}  // namespace

double SoftTopK::mass(std::size_t column) const noexcept {
  const auto n = static_cast<double>(score_.size()), k = static_cast<double>(config_.k);
  if (!config_.sorted) return column == 0 ? k / n : (n - k) / n;
  return column < config_.k ? 1.0 / n : (n - k) / n;
}

void SoftTopK::forward(std::span<const double> scores) {
  assert(!scores.empty());
  score_.assign(scores.begin(), scores.end());
  alpha_.assign(scores.size(), 1.0);
  trivial_ = scores.size() <= config_.k;
  if (trivial_) return;
  const auto [low, high] = std::minmax_element(score_.begin(), score_.end());
  lowest_ = static_cast<std::size_t>(low - score_.begin()), highest_ = static_cast<std::size_t>(high - score_.begin());
  range_ = 1.0;
  if (config_.rescale) {
    range_ = score_[highest_] - score_[lowest_];
    if (range_ <= 0.0) {  // nothing to tell apart: everybody gets the same share and no gradient flows
      trivial_ = true;
      alpha_.assign(scores.size(), static_cast<double>(config_.k) / static_cast<double>(scores.size()));
      return;
    }
    const double base = score_[lowest_];
    for (double& s : score_) s = (s - base) / range_;
  }
  if (config_.sorted)
    solve_sorted();
  else
    solve_pair();
}

// With anchors 1 and 0, alpha_i = logistic((cost_i0 lowered by lambda) / epsilon), and lambda makes them sum to k.
void SoftTopK::solve_pair() {
  scale_ = config_.cost_scale;
  if (scale_ <= 0.0)
    for (const double s : score_) scale_ = std::max({scale_, s * s, (s - 1.0) * (s - 1.0)});
  const auto k = static_cast<double>(config_.k);
  const double epsilon = config_.epsilon;
  const auto lean = [&](double s) { return (2.0 * s - 1.0) / scale_; };  // cost of anchor 0 less that of anchor 1
  const auto [low_score, high_score] = std::minmax_element(score_.begin(), score_.end());
  double low = -lean(*high_score) - 800.0 * epsilon, high = -lean(*low_score) + 800.0 * epsilon;
  double lambda = 0.5 * (low + high);
  for (int round = 0; round < 200; ++round) {
    double sum = 0.0, slope = 0.0;
    for (std::size_t i = 0; i < score_.size(); ++i) {
      alpha_[i] = logistic((lean(score_[i]) + lambda) / epsilon);
      sum += alpha_[i], slope += alpha_[i] * (1.0 - alpha_[i]) / epsilon;
    }
    const double excess = sum - k;
    if (std::abs(excess) < kMarginalTolerance * k) break;
    (excess > 0.0 ? high : low) = lambda;
    const double newton = lambda - excess / slope;
    const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (next == lambda) break;
    lambda = next;
  }
}

double SoftTopK::column_error(double epsilon) {
  const Eigen::Index n = cost_.rows();
  for (Eigen::Index i = 0; i < n; ++i) {
    auto row = share_.row(i).array();
    row = (dual_.transpose().array() - cost_.row(i).array()) / epsilon;
    row = (row - row.maxCoeff()).exp();
    row /= row.sum();
  }
  double worst = 0.0;
  for (Eigen::Index j = 0; j < share_.cols(); ++j)
    worst = std::max(worst, std::abs(share_.col(j).sum() / static_cast<double>(n) - mass(static_cast<std::size_t>(j))));
  return worst;
}

MatrixOf<double> SoftTopK::dual_hessian() const {
  const Eigen::Index k = share_.cols() - 1;
  const auto top = share_.leftCols(k);
  MatrixOf<double> hessian = -(top.transpose() * top);
  hessian.diagonal() += top.colwise().sum().transpose();
  return hessian / static_cast<double>(share_.rows());
}

void SoftTopK::solve_sorted() {
  const auto n = static_cast<Eigen::Index>(score_.size()), k = static_cast<Eigen::Index>(config_.k);
  cost_.resize(n, k + 1), share_.resize(n, k + 1);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j <= k; ++j) {
      const double distance = score_[static_cast<std::size_t>(i)] - static_cast<double>(k - j);
      cost_(i, j) = distance * distance;
    }
  scale_ = config_.cost_scale > 0.0 ? config_.cost_scale : cost_.maxCoeff();
  cost_ /= scale_;
  dual_.setZero(k + 1);

  // The smooth problem first: each lower epsilon begins where the last one ended.
  double epsilon = std::max(config_.epsilon, 0.25);
  for (;;) {
    double error = column_error(epsilon);
    for (int round = 0; round < 300 && error > kMarginalTolerance; ++round) {
      Eigen::VectorXd gap(k);
      for (Eigen::Index j = 0; j < k; ++j)
        gap[j] = mass(static_cast<std::size_t>(j)) - share_.col(j).sum() / static_cast<double>(n);
      MatrixOf<double> hessian = dual_hessian();
      hessian.diagonal().array() += 1e-14;
      Eigen::VectorXd step = epsilon * hessian.ldlt().solve(gap);
      const Eigen::VectorXd before = dual_;
      double better = error;
      // Halved until it helps; a step of many epsilons would leave the region where the model of it holds.
      const double longest = 50.0 * epsilon;
      double share = step.allFinite() ? std::min(1.0, longest / std::max(step.cwiseAbs().maxCoeff(), 1e-300)) : 0.0;
      for (int halving = 0; halving < 12 && share > 0.0; ++halving, share *= 0.5) {
        dual_.head(k) = before.head(k) + share * step;
        better = column_error(epsilon);
        if (better < error) break;
      }
      if (!(better < error)) {  // a sweep of Sinkhorn's iteration always goes the right way
        dual_ = before;
        column_error(epsilon);
        for (Eigen::Index j = 0; j <= k; ++j)
          dual_[j] += epsilon * std::log(mass(static_cast<std::size_t>(j)) /
                                         std::max(share_.col(j).sum() / static_cast<double>(n), 1e-300));
        dual_.array() -= dual_[k];
        better = column_error(epsilon);
        if (better == error) break;
      }
      error = better;
    }
    if (epsilon <= config_.epsilon) break;
    epsilon = std::max(config_.epsilon, epsilon / 3.0);
  }
  for (Eigen::Index i = 0; i < n; ++i) alpha_[static_cast<std::size_t>(i)] = share_.row(i).head(k).sum();
}

void SoftTopK::backward(std::span<const double> d_alpha, std::span<double> d_scores) const {
  assert(d_alpha.size() == alpha_.size() && d_scores.size() == alpha_.size());
  std::fill(d_scores.begin(), d_scores.end(), 0.0);
  if (trivial_) return;
  if (config_.sorted)
    backward_sorted(d_alpha, d_scores);
  else
    backward_pair(d_alpha, d_scores);
  if (!config_.rescale) return;
  // s = (x - x_low) / (x_high - x_low)
  double d_low = 0.0, d_high = 0.0;
  for (std::size_t i = 0; i < d_scores.size(); ++i) {
    d_low -= d_scores[i] * (1.0 - score_[i]) / range_;
    d_high -= d_scores[i] * score_[i] / range_;
    d_scores[i] /= range_;
  }
  d_scores[lowest_] += d_low, d_scores[highest_] += d_high;
}

void SoftTopK::backward_pair(std::span<const double> d_alpha, std::span<double> d_scores) const {
  double weight = 0.0, weighted = 0.0;
  for (std::size_t i = 0; i < alpha_.size(); ++i) {
    const double slope = alpha_[i] * (1.0 - alpha_[i]);
    weight += slope, weighted += slope * d_alpha[i];
  }
  if (weight <= 0.0) return;
  for (std::size_t i = 0; i < alpha_.size(); ++i)
    d_scores[i] = alpha_[i] * (1.0 - alpha_[i]) * (d_alpha[i] - weighted / weight) * 2.0 / (scale_ * config_.epsilon);
}

void SoftTopK::backward_sorted(std::span<const double> d_alpha, std::span<double> d_scores) const {
  const Eigen::Index n = share_.rows(), k = share_.cols() - 1;
  const auto slope = Eigen::Map<const Eigen::VectorXd>(d_alpha.data(), n);
  // Through the rows' softmax alone: d_i P_ij ([j < k] - alpha_i).
  MatrixOf<double> direct = share_;
  for (Eigen::Index i = 0; i < n; ++i) {
    direct.row(i) *= -alpha_[static_cast<std::size_t>(i)];
    direct.row(i).head(k) += share_.row(i).head(k);
    direct.row(i) *= slope[i];
  }
  // The columns' masses hold: the dual variables answer, by the implicit function theorem.
  MatrixOf<double> hessian = dual_hessian() * static_cast<double>(n);
  hessian.diagonal().array() += 1e-14;
  const Eigen::VectorXd answer = hessian.ldlt().solve(direct.leftCols(k).colwise().sum().transpose());
  for (Eigen::Index i = 0; i < n; ++i) {
    const double mean = share_.row(i).head(k).dot(answer);
    double sum = 0.0;
    for (Eigen::Index j = 0; j <= k; ++j) {
      const double d_cost = -(direct(i, j) - share_(i, j) * ((j < k ? answer[j] : 0.0) - mean)) / config_.epsilon;
      sum += d_cost * 2.0 * (score_[static_cast<std::size_t>(i)] - static_cast<double>(k - j)) / scale_;
    }
    d_scores[static_cast<std::size_t>(i)] = std::isfinite(sum) ? sum : 0.0;
  }
}

MatrixOf<double> SoftTopK::plan() const {
  const auto n = static_cast<Eigen::Index>(alpha_.size());
  if (config_.sorted) return share_ / static_cast<double>(n);
  MatrixOf<double> plan(n, 2);
  for (Eigen::Index i = 0; i < n; ++i) {
    plan(i, 0) = alpha_[static_cast<std::size_t>(i)] / static_cast<double>(n);
    plan(i, 1) = 1.0 / static_cast<double>(n) - plan(i, 0);
  }
  return plan;
}

double SoftTopK::marginal_error() const {
  const MatrixOf<double> transport = plan();
  double worst = 0.0;
  for (Eigen::Index j = 0; j < transport.cols(); ++j)
    worst = std::max(worst, std::abs(transport.col(j).sum() - mass(static_cast<std::size_t>(j))));
  const double row_mass = 1.0 / static_cast<double>(transport.rows());
  return std::max(worst, (transport.rowwise().sum().array() - row_mass).abs().maxCoeff());
}

}  // namespace swipegym
