// Counts every request for memory of this program, also those of libraries where the C library lets us. Not under the
// sanitizers, which replace malloc themselves.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>
#include <new>

#include "core/parallel_for.h"
#include "env/candidate_sources.h"
#include "env/step_speed.h"
#include "tests/env/noisy_user_model.h"
#include "tests/env/quick_fit.h"

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // new and delete are both replaced, by malloc and free

namespace {

std::atomic<long> requests{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  ++requests;
  void* memory = alignment > alignof(std::max_align_t)
                     ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                     : std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes, 1);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes, 1);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#ifdef __GLIBC__
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* malloc(std::size_t bytes) {
  requests.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  requests.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  requests.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, bytes);
}
}
#endif

namespace swipegym {
namespace {

/// Of `steps` steps, the fewest of five goes: a thread that begins late has what it needs made once, in one of them.
long requests_of_steps(VectorEnv& env, int warm_up, int steps) {
  UniformActions actions(1);
  env.reset(session_seeds(1, env.config().num_envs));
  for (int t = 0; t < warm_up; ++t) env.step(actions.draw(env));
  long fewest = std::numeric_limits<long>::max();
  for (int go = 0; go < 5 && fewest > 0; ++go) {
    const long before = requests;
    for (int t = 0; t < steps; ++t) env.step(actions.draw(env));
    fewest = std::min<long>(fewest, requests - before);
  }
  return fewest;
}

}  // namespace

TEST_CASE("the counter counts", "[env]") {
  const long before = requests;
  auto* one = new std::vector<int>(100);
  CHECK(requests - before >= 2);
  delete one;
}

TEST_CASE("a step allocates nothing, resets included, for every source and mode", "[env]") {
  const auto simulator = make_noisy_simulator({.num_users = 50, .num_videos = 900, .history = 60});
  for (const char* source : {"random", "popularity", "top", "full"}) {
    for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
      for (const std::size_t slate : {std::size_t{1}, std::size_t{3}}) {
        CAPTURE(source, static_cast<int>(mode), slate);
        VectorEnv env(simulator, make_candidate_source(source, simulator->catalogue, 20),
                      {.num_envs = 200, .threads = 1, .max_steps = 30, .slate = slate, .autoreset = mode});
        CHECK(requests_of_steps(env, 1, 100) == 0);
      }
    }
  }
}

TEST_CASE("a step with a fitted user model allocates nothing", "[env][fit][threads]") {
  const auto simulator = testing::quick_fit();
  for (const RewardKind rewards : {RewardKind::kDrawn, RewardKind::kExpected})
    for (const int threads : {1, 2}) {
      CAPTURE(static_cast<int>(rewards), threads);
      VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, 10),
                    {.num_envs = 200, .threads = threads, .max_steps = 30, .rewards = rewards});
      CHECK(requests_of_steps(env, 40, 40) == 0);
    }
}

TEST_CASE("a step on several threads allocates nothing once the threads run", "[env][threads]") {
  const auto simulator = make_noisy_simulator();
  for (const int threads : {2, 3}) {
    CAPTURE(threads);
    VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, 10),
                  {.num_envs = 1024, .threads = threads});
    CHECK(requests_of_steps(env, 300, 300) == 0);
  }
}

}  // namespace swipegym

#endif
