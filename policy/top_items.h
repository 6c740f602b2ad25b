#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/matrix.h"

namespace swipegym {

struct TopItem {
  std::int32_t item = -1;
  float score = 0.0F;
};

/// The `count` rows of `items` [n, d] with the largest products with each row of `users` [m, d], best first; equal
/// scores in the order of the items. Exact. Tiles of scores live as long as a tile takes to be looked through, so
/// memory beyond the arguments stays at a few megabytes whatever n. `threads` (0: all) never changes a result. Returns
/// [m, min(count, n)], row-major.
std::vector<TopItem> top_items(const Matrix& users, const Matrix& items, std::size_t count, int threads);

}  // namespace swipegym
