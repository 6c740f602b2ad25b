#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace swipegym {

inline constexpr std::size_t kTabClasses = 6;       // tabs 0, 1, 2, 4, 6 and the rest
inline constexpr std::size_t kDurationClasses = 4;  // < 15 s, < 40 s, < 90 s, longer
inline constexpr std::size_t kRecent = 32;          // videos looked through for repeated tags and authors

constexpr std::size_t tab_class(std::uint8_t tab) noexcept {
  switch (tab) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return 2;
    case 4:
      return 3;
    case 6:
      return 4;
    default:
      return 5;
  }
}
constexpr std::size_t duration_class(std::int32_t duration_ms) noexcept {
  return duration_ms < 15000 ? 0 : duration_ms < 40000 ? 1 : duration_ms < 90000 ? 2 : 3;
}

/// What is remembered of one answered video: each number is what happened less what the video's cell (exposure kind,
/// tab, duration group) leads one to expect, so that a user shown unmatched videos does not look like a bored one.
struct HistoryEvent {
  std::uint32_t video = 0;
  std::uint32_t author = 0;
  std::uint32_t tag = 0;
  std::int64_t time_ms = 0;
  std::uint8_t tab_class = 0;
  std::uint8_t duration_class = 0;
  bool known = true;   // false: duration 0, which counts as an event but carries no ratio
  float level = 0.0F;  // position of the play time among the cell's, minus one half: [-.5, .5]
  float click = 0.0F, long_view = 0.0F, like = 0.0F, profile = 0.0F, other = 0.0F, hate = 0.0F, zero = 0.0F;
  float watched = 0.0F;  // share of the video that was watched, at most 1, as it is
};

/// The video about to be shown, as far as the history features look at it.
struct HistoryQuery {
  std::uint32_t video = 0;
  std::uint32_t author = 0;
  std::uint32_t tag = 0;
  std::int64_t time_ms = 0;
  std::uint8_t tab_class = 0;
  std::uint8_t duration_class = 0;
};

/// A user's running history: plain numbers, advanced by one event at a time. Fit, replay of logs and the environment's
/// step use this one struct, so that they cannot disagree. All-zero is a user without history.
struct UserHistory {
  std::int64_t last_time_ms = 0;   // of the newest event on a running clock: what gaps are measured from
  std::int64_t event_time_ms = 0;  // of the newest event
  float count = 0, level = 0, click = 0, long_view = 0, like = 0, profile = 0, other = 0, hate = 0, zero = 0;
  float fast_weight = 0, fast_level = 0, fast_click = 0;  // decays by kFastDecay an event
  float slow_weight = 0, slow_level = 0, slow_click = 0;  // decays by kSlowDecay an event
  std::array<float, kTabClasses> tab_count{}, tab_level{}, tab_click{};
  std::array<float, kDurationClasses> duration_count{}, duration_level{};
  std::array<float, 3> last_level{}, last_click{};
  float day_count = 0, week_count = 0;  // events, decaying by e a day and a week
  float session_count = 0, session_level = 0;
  // Shares watched in this session: what was seen, not what was better than expected, is what keeps people watching.
  float session_watched = 0, satisfied_weight = 0, satisfied = 0;  // the last two decay by kSatisfiedDecay an event
  std::uint32_t recent_size = 0;                                   // events ever put into the rings
  std::array<std::uint32_t, kRecent> recent_tag{}, recent_author{}, recent_video{};
  std::array<float, kRecent> recent_level{};

  static constexpr float kFastDecay = 0.7F, kSlowDecay = 0.93F, kSatisfiedDecay = 0.85F;

  /// With `clock_runs` false, gaps, session counts and daily counts stay as they are: those of a thinned log mean
  /// nothing inside a session that is not thinned (docs/guide/simulator.md, "Two clocks").
  void add(const HistoryEvent& event, bool clock_runs = true) noexcept;
  /// Catches up with what add(..., false) left standing, when the session is over.
  void close_session() noexcept;
};

inline constexpr std::size_t kHistoryFeatures = 48;

/// Counts are clipped here before they enter a feature (their 99th percentiles in the fitted log), so that long
/// simulated sessions do not leave the range the network has seen.
struct HistoryClip {
  float count = 1.0e9F;
  float day_count = 1.0e9F;
  float week_count = 1.0e9F;
  float session_count = 1.0e9F;
};

/// Writes kHistoryFeatures numbers of order one.
void history_features(const UserHistory& history, const HistoryQuery& query, const HistoryClip& clip,
                      std::span<float> out) noexcept;

}  // namespace swipegym
