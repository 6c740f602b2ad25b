#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>

namespace swipegym {

/// Lets the items of a parallel_for do their last part one at a time and in order: work() runs in parallel, commit()
/// when all earlier items have committed. parallel_for starts items in increasing order, so the lowest waiting one
/// always moves. The first item that throws, in either part, stops all later ones, which makes errors deterministic.
class Turnstile {
 public:
  template <class Work, class Commit>
  void run(std::size_t item, Work&& work, Commit&& commit) {
    if (broken()) return;
    std::exception_ptr failure;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return broken_ || next_ == item; });
    if (broken_) return;
    try {
      if (failure) std::rethrow_exception(failure);
      commit();
    } catch (...) {
      broken_ = true;
      moved_.notify_all();
      throw;
    }
    ++next_;
    moved_.notify_all();
  }

 private:
  bool broken() {
    const std::lock_guard lock(mutex_);
    return broken_;
  }

  std::mutex mutex_;
  std::condition_variable moved_;
  std::size_t next_ = 0;
  bool broken_ = false;
};

}  // namespace swipegym
