#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "sim_data/log.h"

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

/// play / duration, not truncated: above 1 means repeats. NaN where the duration is unknown (0).
constexpr float watch_ratio(std::int32_t play_ms, std::int32_t duration_ms) noexcept {
  return duration_ms > 0 ? static_cast<float>(play_ms) / static_cast<float>(duration_ms)
                         : std::numeric_limits<float>::quiet_NaN();
}

/// Seconds watched, repeats removed: min(play, duration).
constexpr float truncated_watch_s(std::int32_t play_ms, std::int32_t duration_ms) noexcept {
  return static_cast<float>(std::min(play_ms, duration_ms)) * 1e-3F;
}

/// PCR, the share of the video that was played, repeats removed; NaN where the duration is unknown.
constexpr float play_completion_rate(std::int32_t play_ms, std::int32_t duration_ms) noexcept {
  return watch_ratio(std::min(play_ms, duration_ms), duration_ms);
}

/// PC: the whole video was played.
constexpr bool is_play_complete(std::int32_t play_ms, std::int32_t duration_ms) noexcept {
  return duration_ms > 0 && play_ms >= duration_ms;
}

/// EF, explicit feedback: a like, a follow or a comment.
constexpr bool has_explicit_feedback(SignalBits signals) noexcept {
  return (signals & (bit(Signal::kLike) | bit(Signal::kFollow) | bit(Signal::kComment))) != 0;
}

}  // namespace swipegym
