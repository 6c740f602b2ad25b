#pragma once

#include <algorithm>
#include <cstdint>

namespace swipegym {

/// KuaiRand's two feedback columns that follow from the play time, exactly where duration_ms > 0. Seconds are cut, not
/// rounded: in the real log the cut form has no mismatch and the millisecond form has one in 400 rows.

/// The smallest play_ms that counts as a long view: the whole video up to 18 s of it.
constexpr std::int32_t long_view_threshold_ms(std::int32_t duration_ms) noexcept {
  return 1000 * std::min(duration_ms / 1000, 18);
}
/// long_view of a row with duration_ms > 0.
constexpr bool is_long_view(std::int32_t play_ms, std::int32_t duration_ms) noexcept {
  return play_ms >= long_view_threshold_ms(duration_ms);
}

/// The smallest play_ms that is a valid play: the whole video up to 7 s, more than 7 s of a longer one.
constexpr std::int32_t valid_play_threshold_ms(std::int32_t duration_ms) noexcept {
  return duration_ms <= 7000 ? duration_ms : 7001;
}
/// A valid play counts as a click; is_click is this, or a click that the person made anyway.
constexpr bool is_valid_play(std::int32_t play_ms, std::int32_t duration_ms) noexcept {
  return play_ms >= valid_play_threshold_ms(duration_ms);
}

}  // namespace swipegym
