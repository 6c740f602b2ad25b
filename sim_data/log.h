#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace swipegym {

/// Dense indices made by the loader; raw ids stay at the border (see tables.h).
enum class UserIndex : std::uint32_t {};
enum class VideoIndex : std::uint32_t {};
constexpr std::uint32_t index_of(UserIndex user) noexcept {
  return static_cast<std::uint32_t>(user);
}
constexpr std::uint32_t index_of(VideoIndex video) noexcept {
  return static_cast<std::uint32_t>(video);
}

/// KuaiRand's binary feedback columns, in the order every table, file and vector of this project keeps.
enum class Signal : std::uint8_t { kClick, kLike, kFollow, kComment, kForward, kHate, kLongView, kProfile };
inline constexpr std::size_t kNumSignals = 8;
inline constexpr std::array<std::string_view, kNumSignals> kSignalNames = {
    "is_click", "is_like", "is_follow", "is_comment", "is_forward", "is_hate", "long_view", "is_profile_enter"};

/// Bit i is Signal i.
using SignalBits = std::uint8_t;
constexpr bool has(SignalBits bits, Signal signal) noexcept {
  return (bits >> static_cast<unsigned>(signal)) & 1U;
}
constexpr SignalBits bit(Signal signal) noexcept {
  return static_cast<SignalBits>(1U << static_cast<unsigned>(signal));
}

/// Exposures as structure-of-arrays: one entry a logged row in each vector, ordered by (user, time_ms, source_row).
struct Log {
  std::vector<UserIndex> user;
  std::vector<VideoIndex> video;
  std::vector<std::int64_t> time_ms;      // Unix time, milliseconds
  std::vector<std::int32_t> play_ms;      // >= 0
  std::vector<std::int32_t> duration_ms;  // >= 0; 0 is KuaiRand's 'unknown': history, never fitted
  std::vector<std::int32_t> date;         // yyyymmdd, as the file has it (splits go by this column)
  std::vector<std::int16_t> hourmin;      // hhmm, as the file has it
  std::vector<std::uint8_t> tab;          // KuaiRand's tab, 0..254
  std::vector<SignalBits> signals;
  std::vector<std::uint8_t> is_random;    // 1: uniform random exposure
  std::vector<std::uint32_t> source_row;  // 0-based data-row number over all log files in name order
  /// (0, 1], the probability the logging policy gave this video; NaN where a file has none, empty when no file has any.
  std::vector<float> propensity;

  std::size_t size() const noexcept { return user.size(); }
  void resize(std::size_t rows) {
    user.resize(rows), video.resize(rows), time_ms.resize(rows), play_ms.resize(rows), duration_ms.resize(rows);
    date.resize(rows), hourmin.resize(rows), tab.resize(rows), signals.resize(rows), is_random.resize(rows);
    source_row.resize(rows);
  }
};

}  // namespace swipegym
