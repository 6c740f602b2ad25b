#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>

#include "core/parallel_for.h"

namespace swipegym {

/// While take(item, worker) gives something: take, by one worker at a time and in the order of items 0, 1, 2, ...;
/// work(item, worker), in parallel; commit(item, worker), one at a time and in order again. The calls of an item are
/// made by one worker, so its scratch space carries the item over. The lowest item that throws, in any part, stops all
/// later ones and is thrown again in the caller: errors do not depend on threads.
template <class Take, class Work, class Commit>
void ordered_stream(int threads, const Take& take, const Work& work, const Commit& commit) {
  std::mutex taking, mutex;
  std::condition_variable moved;
  std::size_t taken = 0, next = 0;  // items begun; the item whose turn it is to commit
  bool ended = false, broken = false;
  // Items are begun in increasing order by whoever runs, so the lowest one begun is never waiting for one that is not.
  const auto begin_item = [&](int worker, std::size_t& item, std::exception_ptr& failure) {
    const std::lock_guard lock(taking);
    if (ended) return false;
    item = taken;
    try {
      ended = !take(item, worker);
    } catch (...) {
      failure = std::current_exception();
      ended = true;
      ++taken;
      return true;
    }
    taken += ended ? 0 : 1;
    return !ended;
  };
  const auto run = [&](int worker) {
    std::size_t item = 0;
    std::exception_ptr failure;
    while (begin_item(worker, item, failure)) {
      if (!failure) {
        try {
          work(item, worker);
        } catch (...) {
          failure = std::current_exception();
        }
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
  parallel_for(static_cast<std::size_t>(worker_count(threads)), threads, [&](std::size_t, int worker) { run(worker); });
}

/// The same for items [0, items) that are known beforehand.
template <class Work, class Commit>
void ordered_for(std::size_t items, int threads, const Work& work, const Commit& commit) {
  ordered_stream(
      threads, [items](std::size_t item, int) { return item < items; }, work, commit);
}

}  // namespace swipegym
