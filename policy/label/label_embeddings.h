#pragma once

#include "policy/label/label_network.h"

namespace swipegym {

/// The tables every label network begins with: a user's vector, and a video's as [id, duration bucket, tag].
template <class Scalar>
struct LabelEmbeddingsOf {
  LabelEmbeddingsOf() = default;
  LabelEmbeddingsOf(const LabelNetworkConfig& config, const LabelInputs& inputs, RandomKey key);

  std::size_t dim() const noexcept { return user.dim(); }
  void gather_user(const LabelRows& rows, MatrixRef<Scalar> out) const { user.gather(rows.user, out); }
  void gather_video(const LabelRows& rows, MatrixRef<Scalar> out) const;    // [rows, 3 dim]
  void gather_history(const LabelRows& rows, MatrixRef<Scalar> out) const;  // [history rows, 3 dim]
  /// Adds gradients of the three; one thread.
  void scatter(const LabelRows& rows, ConstMatrixRef<Scalar> d_user, ConstMatrixRef<Scalar> d_video,
               ConstMatrixRef<Scalar> d_history);
  std::vector<EmbeddingOf<Scalar>*> all() { return {&user, &video, &bucket, &tag}; }

  EmbeddingOf<Scalar> user, video, bucket, tag;
};

}  // namespace swipegym
