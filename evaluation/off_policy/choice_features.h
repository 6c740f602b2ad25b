#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "env/observation.h"
#include "policy/item_inputs.h"
#include "policy/state_encoder.h"

namespace swipegym {

/// What the linear reward and value models of off-policy evaluation know of a video shown in a state: a constant, the
/// video's features, mean seconds and likeness to the history, the user's and the session's means and context, and the
/// products of what a user watches with what a video is watched.
class ChoiceFeatures {
 public:
  /// `items` must outlive this.
  explicit ChoiceFeatures(const ItemInputs& items);

  static constexpr std::size_t kUserParts = 5;  // mean ratio and click rate; usual, recent ratio; has a history
  static constexpr std::size_t kItemParts = 4;  // mean seconds, root of clicked seconds, mean ratio, log duration
  static constexpr std::size_t kSize = 1 + kVideoFeatures + kDerivedItemFeatures + StateEncoder::kCross + kUserParts +
                                       kContextFeatures + kUserParts * kItemParts;

  /// States of an observation's rows; one a thread, reused.
  struct States {
    Matrix state;
    StateEncoder::Histories histories;
  };
  void encode(const ObservationView& observation, States& states) const;
  /// Adds `scale` times the features of showing `video` in row `row` to out [kSize].
  void add(const States& states, std::size_t row, std::int32_t video, double scale, std::span<double> out) const;

 private:
  const ItemInputs& items_;
  StateEncoder encoder_;
};

}  // namespace swipegym
