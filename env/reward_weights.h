#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim_data/log.h"

namespace swipegym {

/// reward = watch_s * (seconds watched) + watch_ratio * (ratio, clipped to 5) + sum of signal[i] for the signals given;
/// and where the user left, return_day if the next visit comes within a day, and gap_h * (hours until then, at most
/// kMaxGapHours). A session that was cut goes on as far as anybody knows, so it earns neither.
///
/// Settings, options and Python name the terms, {"watch_s": 1, "like": 10}; what is not named weighs nothing.
struct RewardWeights {
  float watch_s = 1.0F;
  float watch_ratio = 0.0F;
  float signal[kNumSignals] = {};
  float return_day = 0.0F;
  float gap_h = 0.0F;

  bool asks_for_gaps() const noexcept { return return_day != 0.0F || gap_h != 0.0F; }

  /// watch_s, watch_ratio, return_day, gap_h, and the signals without the "is_" of their columns.
  static const std::vector<std::string>& names();
  /// The weight of a term, by its name or a signal's column ("is_like"); null when it is none.
  float* find(std::string_view name) noexcept;
};
inline constexpr float kMaxGapHours = 168.0F;

/// Of terms such as "like=10". Throws InputError that begins with `what` for another text, a name that is no term, a
/// term given twice, and a weight out of range.
RewardWeights parse_reward(std::string_view what, const std::vector<std::string>& terms);

}  // namespace swipegym
