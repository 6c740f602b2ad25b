#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "env/observation.h"

namespace swipegym {

/// An observation whose histories are no longer than a policy looks at. The engine of a season keeps more, and a
/// network that learned from the newest fifty would meet states that it has never seen.
class NewestHistory {
 public:
  /// Of `from`, as it is until its next step; its other columns are not copied.
  const ObservationView& of(const ObservationView& from, std::size_t length) {
    view_ = from;
    if (from.history_length <= length) return view_;
    view_.history_length = length;
    view_.history_video = cut(from, from.history_video, length, video_);
    view_.history_ratio = cut(from, from.history_ratio, length, ratio_);
    view_.history_signals = cut(from, from.history_signals, length, signals_);
    view_.history_age_days = cut(from, from.history_age_days, length, age_days_);
    return view_;
  }

 private:
  template <class Value>
  static const Value* cut(const ObservationView& from, const Value* column, std::size_t length,
                          std::vector<Value>& room) {
    if (column == nullptr) return nullptr;
    room.resize(from.rows * length);
    for (std::size_t row = 0; row < from.rows; ++row)
      std::copy_n(column + (row + 1) * from.history_length - length, length, room.data() + row * length);
    return room.data();
  }

  ObservationView view_;
  std::vector<std::int32_t> video_;
  std::vector<float> ratio_, age_days_;
  std::vector<std::uint8_t> signals_;
};

}  // namespace swipegym
