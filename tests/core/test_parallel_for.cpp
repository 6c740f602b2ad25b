#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/parallel_for.h"

namespace swipegym {

TEST_CASE("every item runs exactly once, on a worker of its own", "[core][threads]") {
  for (const int threads : {0, 1, 2, 3, 8}) {
    for (const std::size_t items : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
      CAPTURE(threads, items);
      std::vector<std::atomic<int>> runs(items);
      std::vector<std::atomic<int>> busy(static_cast<std::size_t>(worker_count(threads)));
      std::atomic<bool> shared{false};
      parallel_for(items, threads, [&](std::size_t item, int worker) {
        if (busy.at(static_cast<std::size_t>(worker)).fetch_add(1) != 0) shared = true;
        ++runs[item];
        busy[static_cast<std::size_t>(worker)].fetch_sub(1);
      });
      CHECK_FALSE(shared);
      for (const auto& count : runs) REQUIRE(count == 1);
    }
  }
}

TEST_CASE("eight workers are eight threads, whatever the machine has", "[core][threads]") {
  std::atomic<int> arrived{0};
  std::mutex mutex;
  std::set<std::thread::id> threads;
  // Each item waits until all eight run: fewer threads would never get there.
  parallel_for(8, 8, [&](std::size_t, int) {
    ++arrived;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (arrived < 8 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  CHECK(threads.size() == 8);
}

TEST_CASE("the first exception reaches the caller and ends the loop", "[core][threads]") {
  for (const int threads : {1, 3}) {
    CAPTURE(threads);
    std::atomic<std::size_t> begun{0};
    const auto loop = [&] {
      parallel_for(100'000, threads, [&](std::size_t item, int) {
        ++begun;
        if (item == 10) throw std::runtime_error("item ten");
      });
    };
    CHECK_THROWS_WITH(loop(), "item ten");
    CHECK(begun < 100'000);
    std::atomic<int> after{0};
    parallel_for(10, threads, [&](std::size_t, int) { ++after; });
    CHECK(after == 10);
  }
}

TEST_CASE("a loop may run inside a loop", "[core][threads]") {
  std::atomic<int> sum{0};
  parallel_for(4, 2, [&](std::size_t, int) {
    parallel_for(5, 2, [&](std::size_t item, int) { sum += static_cast<int>(item); });
  });
  CHECK(sum == 40);
}

TEST_CASE("loops from several threads at once do not disturb each other", "[core][threads]") {
  std::vector<std::thread> callers;
  std::vector<std::size_t> sums(4);
  for (std::size_t c = 0; c < sums.size(); ++c)
    callers.emplace_back([&sums, c] {
      for (int round = 0; round < 20; ++round) {
        std::vector<std::size_t> squares(50);
        parallel_for(50, 2, [&](std::size_t item, int) { squares[item] = item * item; });
        for (const std::size_t square : squares) sums[c] += square;
      }
    });
  for (std::thread& caller : callers) caller.join();
  for (const std::size_t sum : sums) CHECK(sum == 20 * 40425);
}

TEST_CASE("threads = 0 asks for the whole machine", "[core][threads]") {
  CHECK(worker_count(0) >= 1);
  CHECK(worker_count(5) == 5);
}

}  // namespace swipegym
