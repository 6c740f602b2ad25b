#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace swipegym {

/// Lets the items of a parallel_for do their last part one at a time and in order: work in parallel, then
/// pass(item, ...) runs when all earlier items have passed. parallel_for starts items in increasing order, so the
/// lowest waiting one always moves. The first item that throws stops all later ones, which makes errors deterministic.
class Turnstile {
 public:
  /// Runs body() in turn; returns without running it when an earlier item has failed.
  template <class Body>
  void pass(std::size_t item, Body&& body) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return broken_ || next_ == item; });
    if (broken_) return;
    try {
      body();
    } catch (...) {
      broken_ = true;
      moved_.notify_all();
      throw;
    }
    ++next_;
    moved_.notify_all();
  }
  bool broken() {
    const std::lock_guard lock(mutex_);
    return broken_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::size_t next_ = 0;
  bool broken_ = false;
};

}  // namespace swipegym
