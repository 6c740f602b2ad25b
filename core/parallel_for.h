#pragma once

#include <cstddef>
#include <functional>

namespace swipegym {

/// Runs body(item, worker) for item in [0, items) on at most `threads` workers (0: as many as the machine has); worker
/// is in [0, threads) and no two running bodies share one, so it may index scratch space. Which worker gets which item
/// is not fixed: a body's result must depend on its item alone. The first exception is thrown again in the caller.
/// Runs on oneTBB, or on plain threads where the build says so (ThreadSanitizer reports false races inside oneTBB).
void parallel_for(std::size_t items, int threads, const std::function<void(std::size_t item, int worker)>& body);

/// The number of workers `threads` asks for: itself, or the hardware's when 0.
int worker_count(int threads);

}  // namespace swipegym
