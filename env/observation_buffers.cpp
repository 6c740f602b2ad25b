#include "env/observation_buffers.h"

#include <algorithm>

#include "core/memory_budget.h"
#include "env/simulator.h"

namespace swipegym {

ObservationBuffers::ObservationBuffers(std::size_t rows_, std::size_t history_length_, std::size_t candidates_)
    : rows(rows_),
      history_length(history_length_),
      candidates(candidates_),
      user(rows),
      user_features(rows * kUserFeatures),
      history_video(rows * history_length, -1),
      history_ratio(rows * history_length),
      context(rows * kContextFeatures),
      candidate(rows * candidates),
      candidate_features(rows * candidates * kVideoFeatures),
      mask(rows * candidates),
      history_signals(rows * history_length),
      tab(rows),
      hours_since(rows) {}

std::uint64_t ObservationBuffers::bytes(std::uint64_t rows, std::uint64_t history_length, std::uint64_t candidates) {
  constexpr std::uint64_t kOwn =
      sizeof(float) * (kUserFeatures + kContextFeatures + 1) + sizeof(std::uint32_t) + sizeof(std::uint8_t);
  constexpr std::uint64_t kWatched = sizeof(std::int32_t) + sizeof(float) + sizeof(SignalBits);
  constexpr std::uint64_t kOffered = sizeof(std::int32_t) + sizeof(float) * kVideoFeatures + sizeof(std::uint8_t);
  return product_of({rows, sum_of({kOwn, product_of({history_length, kWatched}), product_of({candidates, kOffered})})});
}

ObservationView ObservationBuffers::view() const noexcept {
  return {rows,
          history_length,
          candidates,
          user.data(),
          user_features.data(),
          history_video.data(),
          history_ratio.data(),
          context.data(),
          candidate.data(),
          candidate_features.data(),
          mask.data(),
          history_signals.data(),
          tab.data(),
          hours_since.data()};
}

void ObservationBuffers::copy_row(std::size_t from_row, std::size_t to_row, const ObservationBuffers& from) noexcept {
  const auto copy = [from_row, to_row](const auto& source, auto& target, std::size_t width) {
    std::copy_n(source.data() + from_row * width, width, target.data() + to_row * width);
  };
  copy(from.user, user, 1);
  copy(from.user_features, user_features, kUserFeatures);
  copy(from.history_video, history_video, history_length);
  copy(from.history_ratio, history_ratio, history_length);
  copy(from.context, context, kContextFeatures);
  copy(from.candidate, candidate, candidates);
  copy(from.candidate_features, candidate_features, candidates * kVideoFeatures);
  copy(from.mask, mask, candidates);
  copy(from.history_signals, history_signals, history_length);
  copy(from.tab, tab, 1);
  copy(from.hours_since, hours_since, 1);
}

}  // namespace swipegym
