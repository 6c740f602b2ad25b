#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace swipegym::cli {

/// Draws what long work reports on stderr: a bar with rate and time left on a terminal; nothing elsewhere, and nothing
/// when quiet. Callable from any thread.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);

  /// `total` is 0 when unknown.
  void update(std::string_view what, std::uint64_t done, std::uint64_t total);
  /// Removes the bar, so that a result can be printed where it stood.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void begin(std::string_view what, std::uint64_t done, Clock::time_point now);
  void draw(std::uint64_t done, std::uint64_t total, Clock::time_point now);

  const bool silent_;
  std::atomic<Clock::rep> next_draw_{0};
  std::mutex mutex_;
  std::string what_;
  Clock::time_point started_{};
  std::uint64_t first_done_ = 0;
  bool drawn_ = false;
};

/// 1234567 -> "1.23 M", 950 -> "950".
std::string short_count(double value);
/// 75 s -> "1:15", 3,700 s -> "1:01:40".
std::string clock_time(double seconds);

}  // namespace swipegym::cli
