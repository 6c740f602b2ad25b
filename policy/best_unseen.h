#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "env/video_range.h"
#include "nn/matrix.h"
#include "policy/policy.h"

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
/// Of the items in `range` alone; [m, min(count, size of the range)].
std::vector<TopItem> top_items(const Matrix& users, const Matrix& items, VideoRange range, std::size_t count,
                               int threads);

/// The `count` videos with the largest scores, best first, equal ones by index; all when there are fewer.
std::vector<std::int32_t> best_first(std::span<const float> scores, std::size_t count);

/// Policy::best_videos() for scores that are products: the `count` videos the env has not shown with the largest
/// products of queries [rows, d] and items [videos, d]. Exact. Throws InputError naming a row with fewer left.
void best_unseen(const Matrix& queries, const Matrix& items, const DecisionBatch& batch,
                 std::span<const std::uint32_t> rows, std::size_t count, std::span<std::int32_t> out);

/// The same for one order of videos that serves every row, best first. False when the order ends before a row has
/// `count` videos; `out` is then unspecified.
bool best_unseen(std::span<const std::int32_t> order, const DecisionBatch& batch, std::span<const std::uint32_t> rows,
                 std::size_t count, std::span<std::int32_t> out);

/// The same for one row, whose `scores` are of every video, or of the `listed` ones where a list is given.
bool best_unseen(std::span<const float> scores, std::span<const std::int32_t> listed, const DecisionBatch& batch,
                 std::uint32_t row, std::size_t count, std::span<std::int32_t> out);

}  // namespace swipegym
