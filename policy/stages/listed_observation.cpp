#include "policy/stages/listed_observation.h"

#include <algorithm>

namespace swipegym {
namespace {

// The rows asked for of a [rows, width] column; null where the column is.
template <class T>
const T* gathered(const T* column, std::size_t width, std::span<const std::uint32_t> rows, std::vector<T>& out) {
  if (column == nullptr) return nullptr;
  out.resize(rows.size() * width);
  for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(column + rows[i] * width, width, out.data() + i * width);
  return out.data();
}

}  // namespace

ListedObservation::ListedObservation(const Requests& requests, const VideoLists* lists,
                                     std::span<const float> video_features) {
  copy_states(requests);
  if (lists != nullptr) list(*lists, video_features);
}

void ListedObservation::copy_states(const Requests& requests) {
  const ObservationView& from = requests.batch.observation;
  const std::span<const std::uint32_t> rows = requests.rows;
  ObservationView& to = batch_.observation;
  to.rows = rows.size();
  to.history_length = from.history_length;
  to.user = gathered(from.user, 1, rows, user_);
  to.user_features = gathered(from.user_features, kUserFeatures, rows, user_features_);
  to.history_video = gathered(from.history_video, from.history_length, rows, history_video_);
  to.history_ratio = gathered(from.history_ratio, from.history_length, rows, history_ratio_);
  to.context = gathered(from.context, kContextFeatures, rows, context_);
  to.history_signals = gathered(from.history_signals, from.history_length, rows, history_signals_);
  to.tab = gathered(from.tab, 1, rows, tab_);
  to.hours_since = gathered(from.hours_since, 1, rows, hours_since_);
  batch_.keys = {gathered(requests.batch.keys.data(), 1, rows, keys_), rows.size()};
  batch_.streams = {gathered(requests.batch.streams.data(), 1, rows, streams_), rows.size()};
  batch_.threads = requests.batch.threads;
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
