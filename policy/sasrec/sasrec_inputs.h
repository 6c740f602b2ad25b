#pragma once

#include <cstddef>
#include <cstdint>

#include "env/catalogue.h"
#include "env/observation.h"
#include "policy/item_inputs.h"
#include "policy/sasrec/sasrec_network.h"
#include "sim_data/log.h"

namespace swipegym {

/// What an input row has beside its embeddings: the video's features, how much of it was watched (as it is, above one
/// half, to the end), and the user's feedback. Groups that a config switches off are 0.
inline constexpr std::size_t kSasrecRatioFeatures = 3;
inline constexpr std::size_t kSasrecStepFeatures = kVideoFeatures + kSasrecRatioFeatures + kNumSignals;

/// What the ratio and binary heads see of a candidate beside embeddings: the user's features without the log's own
/// statistics (which know the row's answer while learning), the context without the session's clock (logs do not tell
/// it), the tab and how long ago the last video was shown, the candidate's features and its duration cut finely, and
/// what the history says of the user, of this candidate's author, tag and duration, and of the candidate itself.
inline constexpr std::size_t kSasrecUserFeatures = kUserLowPeriod + 1, kSasrecContextFeatures = kContextFeatures - 2;
inline constexpr std::size_t kSasrecDurationKnots = 9, kSasrecUserStatistics = 17, kSasrecMatchStatistics = 9;
inline constexpr std::size_t kSasrecTabs = 16, kSasrecGapKnots = 10;
inline constexpr std::size_t kSasrecCandidateFeatures = kSasrecUserFeatures + kSasrecContextFeatures + kSasrecTabs +
                                                        kSasrecGapKnots + kSasrecUserStatistics + kVideoFeatures +
                                                        kSasrecDurationKnots + kSasrecMatchStatistics;

/// A fresh network for these videos and their rows, with all its heads.
inline SasrecNetwork make_sasrec_network(const SasrecNetworkConfig& config, const ItemInputs& items, RandomKey key,
                                         std::uint32_t user_rows = 0) {
  return {config, items.num_ids,  items.num_authors, kSasrecStepFeatures, kSasrecCandidateFeatures,
          key,    items.num_tags, user_rows};
}

/// Writes the kSasrecStepFeatures of a watched video. `video_features` [kVideoFeatures].
void write_step_features(const SasrecNetworkConfig& config, const float* video_features, float ratio,
                         SignalBits signals, float* out) noexcept;

/// Adds entry i of `length` of a sequence: a video, with what was known of it [kVideoFeatures] and what the user did.
/// `out.features` has the row already.
void pack_step(const SasrecNetworkConfig& config, const ItemInputs& items, std::size_t video,
               const float* video_features, float ratio, SignalBits signals, std::size_t i, std::size_t length,
               PackedHistories& out);

/// Adds the newest max_length videos of an observation's row to `out` as one sequence (possibly empty); of the ones
/// added so far `out.features` has the rows. Padding is left out.
void pack_history(const SasrecNetworkConfig& config, const ItemInputs& items, const ObservationView& observation,
                  std::size_t row, PackedHistories& out);

/// A user's history as far as heads look at it; made once a row, asked for each candidate.
class CandidateEncoder {
 public:
  /// `features` [videos, kVideoFeatures]: what is known of the videos (items.features, or an earlier day's).
  CandidateEncoder(const ItemInputs& items, const Matrix& features, const ObservationView& observation,
                   std::size_t row) noexcept;
  /// Writes the kSasrecCandidateFeatures of showing `video` next.
  void write(std::int32_t video, float* out) const noexcept;

 private:
  const ItemInputs& items_;
  const Matrix& features_;
  const std::int32_t* video_;
  const float* ratio_;
  const std::uint8_t* signals_;  // may be null
  std::size_t begin_, end_;      // the part of the history that is not padding
  float shared_[kSasrecUserFeatures + kSasrecContextFeatures + kSasrecTabs + kSasrecGapKnots + kSasrecUserStatistics];
  float usual_;  // the user's shrunk mean ratio
};

}  // namespace swipegym
