#pragma once

#include <cstddef>

namespace swipegym {

/// The number of workers `threads` asks for: itself, or the hardware's when 0.
int worker_count(int threads);

namespace detail {
/// call(body, item, worker); a plain function pointer, so that a loop inside `step` allocates nothing.
using LoopBody = void (*)(const void* body, std::size_t item, int worker);
void run_loop(std::size_t items, int threads, const void* body, LoopBody call);
}  // namespace detail

/// Runs body(item, worker) for item in [0, items) on at most `threads` workers (0: as many as the machine has); worker
/// is in [0, threads) and no two running bodies share one, so it may index scratch space. Neither an item's worker nor
/// the order in which items begin is fixed: a body's result depends on its item alone, and it never waits for another.
/// The first exception is thrown again in the caller, and items not yet begun are left out. More threads than
/// processors are really started, which tests use. Runs on oneTBB, or on plain threads (for ThreadSanitizer).
template <class Body>
void parallel_for(std::size_t items, int threads, const Body& body) {
  detail::run_loop(items, threads, &body,
                   [](const void* b, std::size_t item, int worker) { (*static_cast<const Body*>(b))(item, worker); });
}

}  // namespace swipegym
