#include "nn/embedding.h"

#include <algorithm>
#include <cassert>

namespace swipegym {

template <class Scalar>
EmbeddingOf<Scalar>::EmbeddingOf(std::size_t count, std::size_t dim, RandomKey key, double deviation)
    : slot_(count, -1) {
  const auto rows = static_cast<Eigen::Index>(count), columns = static_cast<Eigen::Index>(dim);
  table.value.setZero(rows, columns);
  table.first_moment.setZero(rows, columns);
  table.second_moment.setZero(rows, columns);
  initialise(table, key, 1.0, deviation);
}

template <class Scalar>
void EmbeddingOf<Scalar>::gather(std::span<const std::int32_t> ids, MatrixRef<Scalar> output) const {
  assert(output.rows() == static_cast<Eigen::Index>(ids.size()) && output.cols() == table.value.cols());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    if (ids[i] < 0)
      output.row(row).setZero();
    else
      output.row(row) = table.value.row(ids[i]);
  }
}

template <class Scalar>
void EmbeddingOf<Scalar>::scatter(std::span<const std::int32_t> ids, ConstMatrixRef<Scalar> gradient) {
  assert(gradient.rows() == static_cast<Eigen::Index>(ids.size()) && gradient.cols() == table.value.cols());
  const std::size_t most = std::min(count(), touched_.size() + ids.size());
  if (static_cast<std::size_t>(gradient_.rows()) < most)  // rows behind touched_ are scratch
    gradient_.conservativeResize(static_cast<Eigen::Index>(most), table.value.cols());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0) continue;
    std::int32_t& slot = slot_[static_cast<std::size_t>(ids[i])];
    if (slot < 0) {
      slot = static_cast<std::int32_t>(touched_.size());
      touched_.push_back(ids[i]);
      gradient_.row(slot) = gradient.row(static_cast<Eigen::Index>(i));
    } else {
      gradient_.row(slot) += gradient.row(static_cast<Eigen::Index>(i));
    }
  }
}

template <class Scalar>
void EmbeddingOf<Scalar>::zero_gradient() {
  for (const std::int32_t row : touched_) slot_[static_cast<std::size_t>(row)] = -1;
  touched_.clear();
}

template class EmbeddingOf<float>;
template class EmbeddingOf<double>;

}  // namespace swipegym
