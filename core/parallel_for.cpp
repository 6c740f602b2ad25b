#include "core/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#ifdef SWIPEGYM_TBB
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

namespace swipegym {

int worker_count(int threads) {
  return threads > 0 ? threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

namespace {

// Runs run(worker) for worker in [0, workers), in parallel.
void run_workers(int workers, const std::function<void(int)>& run) {
#ifdef SWIPEGYM_TBB
  tbb::task_arena arena(workers);
  arena.execute([&] {
    tbb::parallel_for(0, workers, 1, [&](int worker) { run(worker); }, tbb::simple_partitioner{});
  });
#else
  std::vector<std::jthread> others;
  for (int worker = 1; worker < workers; ++worker) others.emplace_back([&run, worker] { run(worker); });
  run(0);
#endif
}

}  // namespace

void parallel_for(std::size_t items, int threads, const std::function<void(std::size_t, int)>& body) {
  const int workers = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(worker_count(threads)), items));
  if (workers <= 1) {
    for (std::size_t item = 0; item < items; ++item) body(item, 0);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::exception_ptr first;
  std::mutex mutex;
  run_workers(workers, [&](int worker) {
    try {
      for (std::size_t item = next.fetch_add(1); item < items; item = next.fetch_add(1)) body(item, worker);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      next.store(items);
    }
  });
  if (first) std::rethrow_exception(first);
}

}  // namespace swipegym
