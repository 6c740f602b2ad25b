#include "policy/embedding/ward.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace swipegym {
namespace {

// Squared distances of the clusters still there, as the upper half of a matrix.
class WardDistances {
 public:
  explicit WardDistances(const Matrix& points) : n_(static_cast<std::size_t>(points.rows())), d_(n_ * n_) {
    for (Eigen::Index i = 0; i < points.rows(); ++i)
      for (Eigen::Index j = i + 1; j < points.rows(); ++j) {
        double sum = 0.0;
        for (Eigen::Index c = 0; c < points.cols(); ++c) {
          const double apart = static_cast<double>(points(i, c)) - static_cast<double>(points(j, c));
          sum += apart * apart;
        }
        at(static_cast<std::size_t>(i), static_cast<std::size_t>(j)) = sum;
      }
  }
  double& at(std::size_t i, std::size_t j) noexcept { return d_[std::min(i, j) * n_ + std::max(i, j)]; }

 private:
  std::size_t n_;
  std::vector<double> d_;
};

// The root of a point's tree, whose path becomes shorter on the way.
std::size_t root_of(std::vector<std::size_t>& parent, std::size_t at) {
  while (parent[at] != at) at = parent[at] = parent[parent[at]];
  return at;
}

}  // namespace

std::vector<WardMerge> ward_merges(const Matrix& points) {
  const auto n = static_cast<std::size_t>(points.rows());
  std::vector<WardMerge> merges;
  if (n < 2) return merges;
  WardDistances distance(points);
  std::vector<std::int32_t> size(n, 1);  // 0: merged into another
  std::vector<std::size_t> chain;
  // Each merge is of two clusters that are each other's nearest; a merged cluster keeps the place of the later one.
  while (merges.size() + 1 < n) {
    if (chain.empty())
      chain.push_back(static_cast<std::size_t>(
          std::find_if(size.begin(), size.end(), [](std::int32_t s) { return s > 0; }) - size.begin()));
    std::size_t top = chain.back(), nearest = top;
    double least = std::numeric_limits<double>::infinity();
    while (true) {
      top = chain.back();
      // The one below in the chain wins a tie, or the chain would not end.
      if (chain.size() > 1)
        nearest = chain[chain.size() - 2], least = distance.at(top, nearest);
      else
        least = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < n; ++i)
        if (size[i] > 0 && i != top && distance.at(top, i) < least) nearest = i, least = distance.at(top, i);
      if (chain.size() > 1 && nearest == chain[chain.size() - 2]) break;
      chain.push_back(nearest);
    }
    chain.pop_back(), chain.pop_back();
    const std::size_t gone = std::min(top, nearest), kept = std::max(top, nearest);
    const double a = size[gone], b = size[kept];
    merges.push_back({static_cast<std::int32_t>(gone), static_cast<std::int32_t>(kept), least, 0});
    size[kept] += size[gone], size[gone] = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (size[i] == 0 || i == kept) continue;
      const double c = size[i];
      const double merged = ((a + c) * distance.at(gone, i) + (b + c) * distance.at(kept, i) - c * least) / (a + b + c);
      distance.at(kept, i) = std::max(merged, 0.0);  // rounding of equal points
    }
  }
  // The chain meets merges out of order; their clusters get numbers once they are sorted.
  std::stable_sort(merges.begin(), merges.end(),
                   [](const WardMerge& x, const WardMerge& y) { return x.cost < y.cost; });
  std::vector<std::size_t> parent(2 * n - 1);
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  std::vector<std::int32_t> count(2 * n - 1, 1);
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::size_t a = root_of(parent, static_cast<std::size_t>(merges[i].a));
    const std::size_t b = root_of(parent, static_cast<std::size_t>(merges[i].b));
    parent[a] = parent[b] = n + i;
    count[n + i] = count[a] + count[b];
    merges[i] = {static_cast<std::int32_t>(std::min(a, b)), static_cast<std::int32_t>(std::max(a, b)), merges[i].cost,
                 count[n + i]};
  }
  return merges;
}

std::vector<std::int32_t> ward_clusters(std::span<const WardMerge> merges, double most) {
  const std::size_t n = merges.size() + 1;
  std::vector<std::size_t> parent(2 * n - 1);
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  for (std::size_t i = 0; i < merges.size() && merges[i].cost <= most; ++i)
    parent[static_cast<std::size_t>(merges[i].a)] = parent[static_cast<std::size_t>(merges[i].b)] = n + i;
  std::vector<std::int32_t> number(2 * n - 1, -1), cluster(n);
  std::int32_t next = 0;
  for (std::size_t point = 0; point < n; ++point) {
    std::int32_t& own = number[root_of(parent, point)];
    if (own < 0) own = next++;
    cluster[point] = own;
  }
  return cluster;
}

}  // namespace swipegym
