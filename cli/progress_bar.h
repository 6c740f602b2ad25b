#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace swipegym::cli {

/// Tells on stderr what long work reports: on a terminal a bar with rate and time left, elsewhere, such as in a file, a
/// line every half minute; nothing when quiet. Callable from any thread.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);

  /// `total` is 0 when unknown.
  void update(std::string_view what, std::uint64_t done, std::uint64_t total);
  /// Removes the bar, so that a result can be printed where it stood. Lines stay.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void begin(std::string_view what, std::uint64_t done, Clock::time_point now);
  void draw(std::uint64_t done, std::uint64_t total, Clock::time_point now);

  const bool silent_, terminal_;
  std::atomic<Clock::rep> next_draw_;
  std::mutex mutex_;
  std::string what_;
  Clock::time_point started_{};
  std::uint64_t first_done_ = 0;
  bool drawn_ = false;
};

/// What stands in a bar or a line: the share done of `total` (0: unknown), the rate since `first_done`, the time left.
std::string progress_text(std::string_view what, std::uint64_t done, std::uint64_t total, std::uint64_t first_done,
                          double elapsed_s, bool with_bar);
/// 1234567 -> "1.23 M", 950 -> "950".
std::string short_count(double value);
/// 75 s -> "1:15", 3,700 s -> "1:01:40".
std::string clock_time(double seconds);

}  // namespace swipegym::cli
