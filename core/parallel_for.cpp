#include "core/parallel_for.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
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
  // Asked once: it is a call of the system, which takes as long as a step of a few sessions.
  static const int processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return threads > 0 ? threads : processors;
}

namespace {

#ifdef SWIPEGYM_TBB

// One arena for each number of workers, made once: making one costs more than a small loop. oneTBB keeps to the
// processors' number unless it is told otherwise, once for the whole program; who asks for more threads gets them.
tbb::task_arena& arena_of(int workers) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<tbb::task_arena>> arenas;
  static std::unique_ptr<tbb::global_control> control;
  static int allowed = worker_count(0);
  const std::lock_guard lock(mutex);
  if (workers > allowed) {
    control.reset();  // of several controls the smallest counts
    control = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                    static_cast<std::size_t>(workers));
    allowed = workers;
  }
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

constexpr std::size_t kMaxWorkers = 256;

// The items [first, last) that a worker has still to do, in one word, so that taking one is a single exchange. The
// owner takes from the front, the others from the back.
class alignas(64) Share {
 public:
  void assign(std::size_t first, std::size_t last) noexcept { items_.store(pack(first, last)); }
  void clear() noexcept { items_.store(0); }

  bool take(bool from_front, std::size_t& item) noexcept {
    std::uint64_t items = items_.load();
    while (true) {
      const std::uint64_t first = items >> 32;
      const std::uint64_t last = items & 0xFFFFFFFFU;
      if (first >= last) return false;
      if (items_.compare_exchange_weak(items, from_front ? pack(first + 1, last) : pack(first, last - 1))) {
        item = static_cast<std::size_t>(from_front ? first : last - 1);
        return true;
      }
    }
  }

 private:
  static std::uint64_t pack(std::uint64_t first, std::uint64_t last) noexcept { return first << 32 | last; }
  std::atomic<std::uint64_t> items_{0};
};

// Every worker begins with its own contiguous share and takes from the others' when it is done. A loop that is run
// again and again over the same items (the chunks of an environment) thus mostly finds each on the processor whose
// caches hold it, and an uneven one is evened out all the same.
struct Loop {
  const void* body;
  detail::LoopBody call;
  int workers;
  std::array<Share, kMaxWorkers> shares;
  std::size_t base;  // the number of the first item
  std::exception_ptr first = nullptr;
  std::mutex mutex = {};

  Loop(std::size_t begin, std::size_t end, const void* loop_body, detail::LoopBody loop_call, int count)
      : body(loop_body), call(loop_call), workers(count), base(begin) {
    const auto n = static_cast<std::size_t>(count);
    const std::size_t items = end - begin;
    for (std::size_t w = 0; w < n; ++w) shares[w].assign(items * w / n, items * (w + 1) / n);
  }

  void run(int worker) noexcept {
    try {
      for (int turn = 0; turn < workers; ++turn) {
        Share& share = shares[static_cast<std::size_t>((worker + turn) % workers)];
        std::size_t item = 0;
        while (share.take(turn == 0, item)) call(body, base + item, worker);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      for (int w = 0; w < workers; ++w) shares[static_cast<std::size_t>(w)].clear();
    }
  }
};

}  // namespace

void detail::run_loop(std::size_t items, int threads, const void* body, LoopBody call) {
  const auto wanted = std::min(static_cast<std::size_t>(worker_count(threads)), kMaxWorkers);
  const int workers = static_cast<int>(std::min(wanted, items));
  if (workers <= 1) {
    for (std::size_t item = 0; item < items; ++item) call(body, item, 0);
    return;
  }
  // A share counts its items in 32 bits.
  constexpr std::size_t kAtOnce = std::size_t{1} << 31;
  for (std::size_t begin = 0; begin < items; begin += kAtOnce) {
    Loop loop(begin, std::min(items, begin + kAtOnce), body, call, workers);
    run_workers(workers, [&loop](int worker) { loop.run(worker); });
    if (loop.first) std::rethrow_exception(loop.first);
  }
}

}  // namespace swipegym
