#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/row_copies.h"
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
  void list(const VideoLists& lists, std::span<const float> video_features);

  RowCopies rows_;
  DecisionBatch batch_;
  std::vector<RandomKey> keys_;
  std::vector<std::uint32_t> streams_;
  std::vector<float> candidate_features_;
  std::vector<std::int32_t> candidate_;
  std::vector<std::uint8_t> mask_;
};

}  // namespace swipegym
