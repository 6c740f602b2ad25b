#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/stages/request.h"

namespace swipegym {

/// The observation of requests alone, with their lists as candidates where there are any, for policies that know
/// nothing of stages. Lists are padded to the longest by slots that may not be chosen. No env: rows are other rows.
class ListedObservation {
 public:
  /// `lists` null: slots are the videos of the catalogue. All of it must outlive this.
  ListedObservation(const Requests& requests, const VideoLists* lists, std::span<const float> video_features);
  const DecisionBatch& batch() const noexcept { return batch_; }

 private:
  void copy_states(const Requests& requests);
  void list(const VideoLists& lists, std::span<const float> video_features);

  DecisionBatch batch_;
  std::vector<std::uint32_t> user_, streams_;
  std::vector<RandomKey> keys_;
  std::vector<float> user_features_, history_ratio_, context_, hours_since_, candidate_features_;
  std::vector<std::int32_t> history_video_, candidate_;
  std::vector<std::uint8_t> history_signals_, tab_, mask_;
};

}  // namespace swipegym
