#include "nn/attention_pooling.h"

#include <cassert>

namespace swipegym {

template <class Scalar>
AttentionPoolingOf<Scalar>::AttentionPoolingOf(std::size_t dim, std::size_t hidden, RandomKey key)
    : first(4 * dim, hidden, split(key, 0)), second(hidden, 1, split(key, 1)) {}

template <class Scalar>
typename AttentionPoolingOf<Scalar>::Folded AttentionPoolingOf<Scalar>::fold() const {
  const auto n = static_cast<Eigen::Index>(dim());
  const Eigen::Matrix<Scalar, Eigen::Dynamic, 1> one = first.weight.value * second.weight.value.col(0);
  Folded folded;
  folded.query = one.segment(0, n).transpose().array();
  folded.item = one.segment(n, n).transpose().array();
  folded.difference = one.segment(2 * n, n).transpose().array();
  folded.product = one.segment(3 * n, n).transpose().array();
  folded.constant = (first.bias.value * second.weight.value)(0, 0) + second.bias.value(0, 0);
  return folded;
}

template <class Scalar>
void AttentionPoolingOf<Scalar>::forward(const Folded& folded, ConstMatrixRef<Scalar> query,
                                         ConstMatrixRef<Scalar> history, std::span<const RowRange> range,
                                         std::span<Scalar> scores, MatrixRef<Scalar> pooled) const {
  Vector weight(query.cols()), sum(query.cols());
  for (Eigen::Index i = 0; i < query.rows(); ++i) {
    const auto q = query.row(i).array();
    weight = folded.item - folded.difference + folded.product * q;
    const Scalar base = (q * (folded.query + folded.difference)).sum() + folded.constant;
    sum.setZero();
    for (std::uint32_t j = range[static_cast<std::size_t>(i)].begin; j < range[static_cast<std::size_t>(i)].end; ++j) {
      const auto h = history.row(j).array();
      scores[j] = base + (weight * h).sum();
      sum += scores[j] * h;
    }
    pooled.row(i).array() = sum;
  }
}

template <class Scalar>
void AttentionPoolingOf<Scalar>::FoldedGradient::zero(std::size_t dim) {
  for (Vector* part : {&this->query, &this->item, &this->difference, &this->product})
    part->setZero(static_cast<Eigen::Index>(dim));
  this->constant = 0;
}

template <class Scalar>
void AttentionPoolingOf<Scalar>::FoldedGradient::join(const FoldedGradient& other) {
  this->query += other.query, this->item += other.item;
  this->difference += other.difference, this->product += other.product;
  this->constant += other.constant;
}

template <class Scalar>
void AttentionPoolingOf<Scalar>::backward(const Folded& folded, ConstMatrixRef<Scalar> query,
                                          ConstMatrixRef<Scalar> history, std::span<const RowRange> range,
                                          std::span<const Scalar> scores, ConstMatrixRef<Scalar> d_pooled,
                                          FoldedGradient& gradient, MatrixRef<Scalar> d_query,
                                          MatrixRef<Scalar> d_history) const {
  Vector weight(query.cols()), d_weight(query.cols());
  for (Eigen::Index i = 0; i < query.rows(); ++i) {
    const auto q = query.row(i).array(), d = d_pooled.row(i).array();
    weight = folded.item - folded.difference + folded.product * q;
    d_weight.setZero();
    Scalar d_base = 0;
    for (std::uint32_t j = range[static_cast<std::size_t>(i)].begin; j < range[static_cast<std::size_t>(i)].end; ++j) {
      const auto h = history.row(j).array();
      const Scalar d_score = (d * h).sum();
      d_history.row(j).array() = scores[j] * d + d_score * weight;
      d_weight += d_score * h;
      d_base += d_score;
    }
    gradient.item += d_weight;
    gradient.difference += d_base * q - d_weight;
    gradient.product += d_weight * q;
    gradient.query += d_base * q;
    gradient.constant += d_base;
    d_query.row(i).array() += folded.product * d_weight + d_base * (folded.query + folded.difference);
  }
}

template <class Scalar>
void AttentionPoolingOf<Scalar>::unfold(const FoldedGradient& gradient) {
  const auto n = static_cast<Eigen::Index>(dim());
  Eigen::Matrix<Scalar, Eigen::Dynamic, 1> d(4 * n);
  d.segment(0, n) = gradient.query.transpose().matrix();
  d.segment(n, n) = gradient.item.transpose().matrix();
  d.segment(2 * n, n) = gradient.difference.transpose().matrix();
  d.segment(3 * n, n) = gradient.product.transpose().matrix();
  first.weight.gradient() += d * second.weight.value.transpose();
  first.bias.gradient() += gradient.constant * second.weight.value.transpose();
  second.weight.gradient() += first.weight.value.transpose() * d;
  second.weight.gradient() += gradient.constant * first.bias.value.transpose();
  second.bias.gradient()(0, 0) += gradient.constant;
}

template class AttentionPoolingOf<float>;
template class AttentionPoolingOf<double>;

}  // namespace swipegym
