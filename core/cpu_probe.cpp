#include "core/cpu_probe.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace swipegym {
namespace {

using Clock = std::chrono::steady_clock;

// Links of the chain a second, from the moment all `threads` runners have arrived.
double chain_rate(int threads, std::atomic<int>& arrived, double seconds) {
  ++arrived;
  while (arrived < threads) std::this_thread::yield();
  constexpr int kLinks = 20'000;
  std::uint64_t value = 3;
  double links = 0.0;
  const auto start = Clock::now();
  double elapsed = 0.0;
  while (elapsed < seconds) {
    for (int i = 0; i < kLinks; ++i) {
      value = value * 0x9E3779B97F4A7C15U + 1;
      asm volatile("" : "+r"(value));  // keeps the chain a chain
    }
    links += kLinks;
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return links / elapsed;
}

double rate_alone(double seconds) {
  std::atomic<int> arrived{0};
  return chain_rate(1, arrived, seconds);
}

double rate_of_two(double seconds) {
  std::atomic<int> arrived{0};
  double other = 0.0;
  std::thread second([&] { other = chain_rate(2, arrived, seconds); });
  const double own = chain_rate(2, arrived, seconds);
  second.join();
  return own + other;
}

}  // namespace

double two_thread_gain(double seconds) {
  if (std::thread::hardware_concurrency() < 2) return 1.0;
  // Alone before and after, so that a slow moment of the single thread does not pass for a gain of the pair.
  const double before = rate_alone(seconds / 4);
  const double pair = rate_of_two(seconds / 2);
  const double after = rate_alone(seconds / 4);
  return pair / std::max(before, after);
}

}  // namespace swipegym
