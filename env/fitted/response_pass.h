#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "env/fitted/fitted_parts.h"
#include "env/user_model.h"
#include "nn/matrix.h"

namespace swipegym {

/// A fitted ResponseNetwork laid out for stepping. The first layer is additive, so what users, videos and contexts add
/// to it are tables made once; a step adds four of their rows, multiplies the history features and applies two small
/// layers to a chunk of kChunk rows. Immutable; many threads may use one.
class ResponsePass {
 public:
  static constexpr std::size_t kBinStride = 48;  // WatchGrid::kBins, filled up to whole vectors with zeros

  /// Of one worker; row i belongs to row i of the chunk.
  struct Buffers {
    explicit Buffers(const ResponsePass& pass);
    Matrix history;      // [kChunk, kHistoryFeatures], written by the caller
    Matrix probability;  // [kChunk, kBinStride] of each bin
    Matrix feedback;     // [kChunk, kLanes]; the first kNumSignals are row terms of the signals' logits
    // What lies between them.
    Matrix hidden, watch_top, feedback_top;
    Matrix video_half;  // of the chunk's videos, where the catalogue has no table: one that grows may lose it
    std::array<std::uint8_t, kChunk> member{};  // whose tables a row reads, written by the caller
  };

  explicit ResponsePass(const FittedParts& parts);
  /// Video `to` adds from here on what `from` adds; for FittedUserModel::copy_video().
  void copy_video(VideoIndex from, VideoIndex to) noexcept;

  /// Floats of a half: the width of the first layer, filled up to whole vectors.
  std::size_t width() const noexcept { return static_cast<std::size_t>(user_half_.cols()); }
  const float* user_half(UserIndex user, std::size_t member) const noexcept {
    return user_half_.data() + (member * users_ + index_of(user)) * width();
  }
  /// Asks for what forward() will read of a video, some time before it does.
  void prefetch(VideoIndex video, std::size_t member, ExpectedPart part = ExpectedPart::kAll) const noexcept;

  /// From at.history and at.member to at.probability and at.feedback of shown[i], where user_half[i] is that of its
  /// user; n <= kChunk. `parts` are those this was made from. Of ExpectedPart::kWatch only at.probability is written,
  /// with the same bits: signals have a trunk of their own.
  void forward(const FittedParts& parts, std::span<const Shown> shown, std::span<const float* const> user_half,
               ExposureKind exposure, Buffers& at, ExpectedPart part = ExpectedPart::kAll) const noexcept;

 private:
  /// The layers whose constants depend on the kind of exposure.
  struct Heads {
    Matrix tab_duration;  // [members * kTabClasses * kBuckets, width]: with the row of the kind itself
    // The directions of interventional effects are units behind those of the watch trunk.
    Matrix watch_out, watch_bias;      // [watch_top + kWidth, kBinStride], [1, kBinStride]
    Matrix hazard_shift, hazard_bias;  // added once hazards have become logits; empty for WatchHead::kBins
    Matrix feedback_bias;              // [1, kLanes]
  };
  Heads make_heads(const FittedParts& parts, bool interventional) const;
  /// What users and videos add to the directions of interventional effects, behind the units of the watch trunk.
  void add_effects(const FittedParts& parts, std::span<const Shown> shown, bool interventional,
                   Buffers& at) const noexcept;
  /// A hidden unit's place among whole vectors: the watch trunk's come first.
  void spread(const float* units, float scale, float* hidden) const noexcept;
  void add_user_half(const FittedParts& parts, std::size_t member, std::size_t user, float* hidden) const noexcept;
  void add_video_half(const FittedParts& parts, std::size_t member, std::size_t video, float* hidden) const noexcept;
  /// Floats of a half that are read for this part.
  std::size_t columns(ExpectedPart part) const noexcept {
    return part == ExpectedPart::kWatch ? feedback_at_ : width();
  }
  void watch_probabilities(std::span<const Shown> shown, const Heads& heads, Buffers& at) const noexcept;

  std::size_t watch_hidden_, feedback_hidden_;  // units of the trunks
  std::size_t feedback_at_;                     // where the feedback trunk's units begin
  std::size_t users_, videos_;
  Matrix user_half_;                              // [members * users, width]
  Matrix video_half_;                             // [members * videos, width]; empty for large catalogues
  std::vector<ExposureEffects::OfVideo> effect_;  // [members * videos]; empty where video_half_ is
  Matrix tab_moment_;                             // [members * kTabs * kMoments, width]
  Matrix history_weight_;                         // [kHistoryFeatures, width]
  Matrix watch_second_, watch_second_bias_;       // [feedback_at_, watch_top], [1, watch_top]
  Matrix feedback_second_, feedback_second_bias_;
  Matrix feedback_out_;         // [feedback_top, kLanes]
  std::array<Heads, 2> heads_;  // by ExposureKind
  bool hazard_;
};

}  // namespace swipegym
