#include "core/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#ifdef SWIPEGYM_TBB
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

namespace swipegym {

int worker_count(int threads) {
  return threads > 0 ? threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

namespace {

#ifdef SWIPEGYM_TBB

// One arena for each number of workers, made once: making one costs more than a small loop.
tbb::task_arena& arena_of(int workers) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<tbb::task_arena>> arenas;
  const std::lock_guard lock(mutex);
  std::unique_ptr<tbb::task_arena>& arena = arenas[workers];
  if (!arena) arena = std::make_unique<tbb::task_arena>(workers);
  return *arena;
}

// Runs run(worker) for worker in [0, workers), in parallel.
template <class Run>
void run_workers(int workers, const Run& run) {
  arena_of(workers).execute([&] { tbb::parallel_for(0, workers, 1, run, tbb::simple_partitioner{}); });
}

#else

template <class Run>
void run_workers(int workers, const Run& run) {
  std::vector<std::jthread> others;
  for (int worker = 1; worker < workers; ++worker) others.emplace_back([&run, worker] { run(worker); });
  run(0);
}

#endif

// What the workers of one loop share.
struct Loop {
  std::size_t items;
  const void* body;
  detail::LoopBody call;
  std::atomic<std::size_t> next{0};
  std::exception_ptr first = nullptr;
  std::mutex mutex = {};

  void run(int worker) {
    try {
      for (std::size_t item = next.fetch_add(1); item < items; item = next.fetch_add(1)) call(body, item, worker);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      next.store(items);
    }
  }
};

}  // namespace

void detail::run_loop(std::size_t items, int threads, const void* body, LoopBody call) {
  const int workers = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(worker_count(threads)), items));
  if (workers <= 1) {
    for (std::size_t item = 0; item < items; ++item) call(body, item, 0);
    return;
  }
  Loop loop{items, body, call};
  run_workers(workers, [&loop](int worker) { loop.run(worker); });
  if (loop.first) std::rethrow_exception(loop.first);
}

#ifdef SWIPEGYM_TBB
struct AllowThreads::Impl {
  tbb::global_control control;
};
AllowThreads::AllowThreads(int threads)
    : impl_(new Impl{{tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)}}) {}
#else
struct AllowThreads::Impl {};
AllowThreads::AllowThreads(int) {}  // plain threads are never held back
#endif
AllowThreads::~AllowThreads() = default;

}  // namespace swipegym
