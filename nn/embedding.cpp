#include "nn/embedding.h"

#include <algorithm>
#include <cassert>

#include "core/parallel_for.h"
#include "nn/vector_lanes.h"

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
void EmbeddingOf<Scalar>::scatter(std::span<const std::span<const RowGradientOf<Scalar>>> lists, int threads) {
  constexpr std::size_t kAhead = 16;  // of the table's slots lies every one on a line of its own
  const std::size_t before = touched_.size();
  begin_.assign(before + 1, 0);  // first the counts, one place further on
  for (const auto& list : lists)
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i + kAhead < list.size() && list[i + kAhead].id >= 0)
        __builtin_prefetch(&slot_[static_cast<std::size_t>(list[i + kAhead].id)]);
      if (list[i].id < 0) continue;
      std::int32_t& slot = slot_[static_cast<std::size_t>(list[i].id)];
      if (slot < 0) {
        slot = static_cast<std::int32_t>(touched_.size());
        touched_.push_back(list[i].id);
        begin_.push_back(0);
      }
      ++begin_[static_cast<std::size_t>(slot) + 1];
    }
  const std::size_t rows = touched_.size(), width = dim();
  if (static_cast<std::size_t>(gradient_.rows()) < rows)
    gradient_.conservativeResize(static_cast<Eigen::Index>(std::min(count(), rows + rows / 2)), table.value.cols());
  for (std::size_t slot = 1; slot <= rows; ++slot) begin_[slot] += begin_[slot - 1];
  sorted_.resize(begin_[rows]);
  // Each slot's beginning serves as its pen and ends at the next one's beginning.
  for (const auto& list : lists)
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i + kAhead < list.size() && list[i + kAhead].id >= 0)
        __builtin_prefetch(&slot_[static_cast<std::size_t>(list[i + kAhead].id)]);
      if (list[i].id >= 0)
        sorted_[begin_[static_cast<std::size_t>(slot_[static_cast<std::size_t>(list[i].id)])]++] = list[i];
    }
  constexpr std::size_t kBlock = 256;
  using Lanes = VectorLanes<Scalar>;
  parallel_for((rows + kBlock - 1) / kBlock, threads, [&](std::size_t block, int) {
    for (std::size_t slot = block * kBlock; slot < std::min(rows, (block + 1) * kBlock); ++slot) {
      Scalar* out = gradient_.data() + slot * width;
      std::size_t at = slot == 0 ? 0 : begin_[slot - 1];
      if (slot >= before) std::fill_n(out, width, Scalar(0));
      for (; at < begin_[slot]; ++at) {
        if (at + 2 < sorted_.size()) __builtin_prefetch(sorted_[at + 2].row);
        const RowGradientOf<Scalar>& part = sorted_[at];
        for (std::size_t c = 0; c < width; c += Lanes::kCount)
          Lanes::store(out + c, Lanes::load(out + c, width - c) + part.factor * Lanes::load(part.row + c, width - c),
                       width - c);
      }
    }
  });
}

template <class Scalar>
void EmbeddingOf<Scalar>::zero_gradient() {
  for (const std::int32_t row : touched_) slot_[static_cast<std::size_t>(row)] = -1;
  touched_.clear();
}

template class EmbeddingOf<float>;
template class EmbeddingOf<double>;

}  // namespace swipegym
