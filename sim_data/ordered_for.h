#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>

#include "core/parallel_for.h"

namespace swipegym {

/// For item in [0, items): work(item, worker) in parallel, then commit(item, worker) one at a time and in order; the
/// two calls of an item are made by one worker, so its scratch space carries the result over. The lowest item that
/// throws, in either part, stops all later ones and is thrown again in the caller: errors do not depend on threads.
template <class Work, class Commit>
void ordered_for(std::size_t items, int threads, const Work& work, const Commit& commit) {
  std::mutex mutex;
  std::condition_variable moved;
  std::size_t next = 0;  // the item whose turn it is to commit
  bool broken = false;
  // Items are begun in increasing order by whoever runs, so the lowest one begun is never waiting for one that is not.
  std::atomic<std::size_t> begun{0};
  const auto run = [&](int worker) {
    for (std::size_t item = begun.fetch_add(1); item < items; item = begun.fetch_add(1)) {
      std::exception_ptr failure;
      try {
        work(item, worker);
      } catch (...) {
        failure = std::current_exception();
      }
      std::unique_lock lock(mutex);
      moved.wait(lock, [&] { return broken || next == item; });
      if (broken) return;
      try {
        if (failure) std::rethrow_exception(failure);
        commit(item, worker);
      } catch (...) {
        broken = true;
        moved.notify_all();
        throw;
      }
      ++next;
      moved.notify_all();
    }
  };
  const std::size_t loops = std::min(items, static_cast<std::size_t>(worker_count(threads)));
  parallel_for(loops, threads, [&](std::size_t, int worker) { run(worker); });
}

}  // namespace swipegym
