#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace swipegym::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr double kLeastRate = 0.05;  // a second; less reads as none
constexpr std::chrono::milliseconds kLookPeriod{100};

std::string bar(double share) {
  const int full = static_cast<int>(share * kBarWidth);
  return fmt::format("[{:#<{}}{:.<{}}]", "", full, "", kBarWidth - full);
}

}  // namespace

std::string short_count(double value) {
  static constexpr const char* kUnits[] = {"", " k", " M", " G"};
  int unit = 0;
  while (value >= 999.5 && unit < 3) value /= 1000.0, ++unit;
  if (unit == 0) return fmt::format("{:.{}f}", value, value < 10 && value != std::floor(value) ? 1 : 0);
  return fmt::format("{:.{}f}{}", value, value < 10 ? 2 : value < 100 ? 1 : 0, kUnits[unit]);
}

std::string clock_time(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, std::round(seconds)));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string progress_text(std::string_view what, std::uint64_t done, std::uint64_t total, std::uint64_t first_done,
                          double elapsed_s, bool with_bar) {
  const double rate = elapsed_s > 0 ? static_cast<double>(done - std::min(done, first_done)) / elapsed_s : 0.0;
  std::string text(what);
  if (total > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    if (with_bar) text += "  " + bar(share);
    text += fmt::format(" {:3.0f} %", 100 * share);
  } else {
    text += fmt::format("  {} done", short_count(static_cast<double>(done)));
  }
  if (rate > 0) {
    if (rate >= kLeastRate) text += fmt::format("  {}/s", short_count(rate));
    if (total > done) text += fmt::format("  {} left", clock_time(static_cast<double>(total - done) / rate));
  }
  return text;
}

std::chrono::milliseconds line_period(std::chrono::milliseconds age) {
  return std::clamp<std::chrono::milliseconds>(age / 3, std::chrono::seconds(3), std::chrono::seconds(30));
}

ProgressBar::ProgressBar(bool quiet, LineTimes times)
    : silent_(quiet), terminal_(::isatty(STDERR_FILENO) != 0), times_(times), next_line_(made_ + times.first) {
  if (!silent_ && !terminal_) silence_ = std::thread([this] { break_silence(); });
}

ProgressBar::~ProgressBar() {
  {
    const std::scoped_lock lock(mutex_);
    ends_ = true;
  }
  ending_.notify_all();
  if (silence_.joinable()) silence_.join();
}

// Not all work reports how far it is.
void ProgressBar::break_silence() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    ending_.wait_until(lock, next_line_ + times_.silence);
    const Clock::time_point now = Clock::now();
    if (ends_ || now < next_line_ + times_.silence) continue;
    const double age_s = std::chrono::duration<double>(now - made_).count();
    print_line(fmt::format("at work for {}{}{}", clock_time(age_s), last_.empty() ? "" : "; last: ", last_), now);
  }
}

void ProgressBar::print_line(const std::string& text, Clock::time_point now) {
  next_line_ = now + times_.period(std::chrono::duration_cast<std::chrono::milliseconds>(now - made_));
  fmt::print(stderr, "{}\n", text);
  std::fflush(stderr);
}

void ProgressBar::begin(std::string_view what, std::uint64_t done, Clock::time_point now) {
  what_ = what;
  started_ = now;
  first_done_ = done;
  figures_.clear();
}

void ProgressBar::update(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (silent_) return;
  const Clock::time_point now = Clock::now();
  // Most calls end here, without the lock: workers may report thousands of times a second.
  if (now.time_since_epoch().count() < next_look_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  next_look_.store((now + kLookPeriod).time_since_epoch().count(), std::memory_order_relaxed);
  if (what != what_) begin(what, done, now);
  if (!terminal_ && now < next_line_) return;
  draw(done, total, now);
}

void ProgressBar::draw(std::uint64_t done, std::uint64_t total, Clock::time_point now) {
  const double elapsed_s = std::chrono::duration<double>(now - started_).count();
  const std::string text = progress_text(what_, done, total, first_done_, elapsed_s, terminal_);
  if (!terminal_) {
    last_ = figures_.empty() ? text : text + "  " + figures_;
    return print_line(last_, now);
  }
  fmt::print(stderr, "\r{}\x1b[K", text);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::tell(std::string figures) {
  if (silent_) return;
  const std::scoped_lock lock(mutex_);
  figures_ = std::move(figures);
}

void ProgressBar::clear() {
  const std::scoped_lock lock(mutex_);
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
  what_.clear(), figures_.clear(), last_.clear();
}

}  // namespace swipegym::cli
