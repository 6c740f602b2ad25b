#include "policy/stages/listed_observation.h"

#include <algorithm>

namespace swipegym {

ListedObservation::ListedObservation(const Requests& requests, const VideoLists* lists,
                                     std::span<const float> video_features)
    : rows_(requests.batch.observation, requests.rows) {
  for (const std::uint32_t row : requests.rows) {
    keys_.push_back(requests.batch.keys[row]);
    streams_.push_back(requests.batch.streams[row]);
  }
  batch_ = {.observation = rows_.observation(),
            .env = nullptr,
            .keys = keys_,
            .streams = streams_,
            .threads = requests.batch.threads};
  batch_.observation.candidates = 0;
  if (lists != nullptr) list(*lists, video_features);
}

void ListedObservation::list(const VideoLists& lists, std::span<const float> video_features) {
  ObservationView& to = batch_.observation;
  std::size_t slots = 1;
  for (std::size_t i = 0; i < lists.size(); ++i) slots = std::max(slots, lists.count(i));
  candidate_.assign(to.rows * slots, 0);
  mask_.assign(to.rows * slots, 0);
  candidate_features_.resize(to.rows * slots * kVideoFeatures);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    std::copy_n(lists.of(i).data(), lists.count(i), candidate_.data() + i * slots);
    std::fill_n(mask_.data() + i * slots, lists.count(i), std::uint8_t{1});
  }
  for (std::size_t at = 0; at < candidate_.size(); ++at)
    std::copy_n(video_features.data() + static_cast<std::size_t>(candidate_[at]) * kVideoFeatures, kVideoFeatures,
                candidate_features_.data() + at * kVideoFeatures);
  to.candidates = slots;
  to.candidate = candidate_.data();
  to.candidate_features = candidate_features_.data();
  to.mask = mask_.data();
}

}  // namespace swipegym
