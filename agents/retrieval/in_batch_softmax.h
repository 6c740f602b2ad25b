#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "nn/matrix.h"

namespace swipegym {

/// A batch of pairs for an in-batch softmax: row i is a user and the video it wanted, and the videos of the other rows
/// are what that one must beat.
template <class Scalar>
struct InBatchSoftmax {
  std::span<const std::int32_t> videos;  // [n] of the whole batch
  std::span<const Scalar> log_q{};       // [videos] ln of the chance to stand in a batch; empty: not corrected for
  Scalar temperature = 1;

  /// The mean over the batch of -log softmax, as far as rows [first, first + users.rows()) make it up, given their
  /// `users` [., d] and all `items` [n, d]. A score is a product over the temperature less log Q; columns that hold the
  /// row's own video elsewhere are masked. Writes d users [., d] and this share of d items [n, d]; `logits` is room.
  double backward(std::size_t first, const MatrixOf<Scalar>& users, const MatrixOf<Scalar>& items,
                  MatrixOf<Scalar>& logits, MatrixOf<Scalar>& d_users, MatrixOf<Scalar>& d_items) const {
    constexpr Scalar kMasked = Scalar(-1.0e9);
    const Scalar scale = Scalar(1) / temperature, share = Scalar(1) / static_cast<Scalar>(videos.size());
    logits.noalias() = scale * (users * items.transpose());
    double loss = 0.0;
    for (Eigen::Index i = 0; i < logits.rows(); ++i) {
      const std::size_t own = first + static_cast<std::size_t>(i);
      auto row = logits.row(i);
      for (std::size_t j = 0; j < videos.size(); ++j) {
        const auto at = static_cast<Eigen::Index>(j);
        if (!log_q.empty()) row(at) -= log_q[static_cast<std::size_t>(videos[j])];
        if (j != own && videos[j] == videos[own]) row(at) = kMasked;
      }
      const Scalar most = row.maxCoeff();
      row = (row.array() - most).exp();
      const Scalar sum = row.sum();
      loss -= static_cast<double>(share) * std::log(row(static_cast<Eigen::Index>(own)) / sum + Scalar(1e-30));
      row *= share / sum;
      row(static_cast<Eigen::Index>(own)) -= share;
    }
    d_users.noalias() = scale * (logits * items);
    d_items.noalias() = scale * (logits.transpose() * users);
    return loss;
  }
};

}  // namespace swipegym
