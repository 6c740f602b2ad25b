#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace swipegym::cli {

/// How long after a line the next one is due, by the age of the work: soon at first, then twice a minute.
std::chrono::milliseconds line_period(std::chrono::milliseconds age);

/// Tells on stderr what long work reports: on a terminal a bar with rate and time left, elsewhere, such as in a file, a
/// line now and then with the latest figures of a training, and where nothing is reported for long, that it is at work;
/// nothing when quiet. Callable from any thread.
class ProgressBar {
 public:
  /// When lines come that are no bar.
  struct LineTimes {
    std::chrono::milliseconds first{2'000};     // shorter work writes none
    std::chrono::milliseconds silence{10'000};  // after one was due: then the work is said to go on
    std::chrono::milliseconds (*period)(std::chrono::milliseconds age) = line_period;
  };
  explicit ProgressBar(bool quiet) : ProgressBar(quiet, LineTimes{}) {}
  ProgressBar(bool quiet, LineTimes times);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `total` is 0 when unknown.
  void update(std::string_view what, std::uint64_t done, std::uint64_t total);
  /// The latest figures of the work, "loss 0.21"; they stand at the end of a line until there are others.
  void tell(std::string figures);
  /// Removes the bar, so that a result can be printed where it stood. Lines stay.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void begin(std::string_view what, std::uint64_t done, Clock::time_point now);
  void draw(std::uint64_t done, std::uint64_t total, Clock::time_point now);
  void print_line(const std::string& text, Clock::time_point now);
  void break_silence();

  const bool silent_, terminal_;
  const LineTimes times_;
  std::atomic<Clock::rep> next_look_{0};
  std::mutex mutex_;
  std::string what_, figures_, last_;  // last_: the line printed last
  const Clock::time_point made_ = Clock::now();
  Clock::time_point started_{}, next_line_;
  std::uint64_t first_done_ = 0;
  bool drawn_ = false, ends_ = false;
  std::condition_variable ending_;
  std::thread silence_;  // looks for it, where lines are printed
};

/// What stands in a bar or a line: the share done of `total` (0: unknown), the rate since `first_done`, the time left.
std::string progress_text(std::string_view what, std::uint64_t done, std::uint64_t total, std::uint64_t first_done,
                          double elapsed_s, bool with_bar);
/// 1234567 -> "1.23 M", 950 -> "950".
std::string short_count(double value);
/// 75 s -> "1:15", 3,700 s -> "1:01:40".
std::string clock_time(double seconds);

}  // namespace swipegym::cli
