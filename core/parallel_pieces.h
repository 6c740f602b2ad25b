#pragma once

#include <algorithm>
#include <cstddef>

#include "core/parallel_for.h"

namespace swipegym {

/// Cuts [0, total) into pieces of `size`, of which the last may be smaller, and runs body(piece, first, count) for each
/// as parallel_for() does. A fixed size keeps results apart from the number of threads.
template <class Body>
void parallel_pieces(std::size_t total, std::size_t size, int threads, const Body& body) {
  parallel_for((total + size - 1) / size, threads, [&](std::size_t piece, int) {
    const std::size_t first = piece * size;
    body(piece, first, std::min(size, total - first));
  });
}

}  // namespace swipegym
