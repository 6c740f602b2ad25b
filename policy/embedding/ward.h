#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/matrix.h"

namespace swipegym {

/// One step of an agglomeration of n points: clusters `a` < `b` become one of `size` points. Points are clusters 0 to
/// n - 1; what step i makes is cluster n + i.
struct WardMerge {
  std::int32_t a = 0, b = 0;
  double cost = 0.0;  // squared; see ward_merges()
  std::int32_t size = 0;
};

/// Ward's agglomeration of the rows of `points` [n, d], cheapest merge first: n - 1 of them. The cost of two points is
/// their squared distance; of a new cluster and any other it follows Lance and Williams, d(ij, k) = ((n_i + n_k) d_ik +
/// (n_j + n_k) d_jk - n_k d_ij) / (n_i + n_j + n_k), which is twice what the merge adds to the sum of squares within
/// clusters. scipy's `linkage(points, "ward")` has its root as the height. By the chain of nearest neighbours
/// (Murtagh, "Multidimensional clustering algorithms", Compstat 1985): time and memory grow with n squared.
std::vector<WardMerge> ward_merges(const Matrix& points);

/// The cluster of each of the n points once every merge that costs at most `most` is made; clusters are numbered from
/// 0 in the order of their first points.
std::vector<std::int32_t> ward_clusters(std::span<const WardMerge> merges, double most);

}  // namespace swipegym
