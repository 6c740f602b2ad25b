#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// Numbers >= 0 of which one is drawn with probability proportional to its size, in O(log n).
///
/// A tree of sums whose nodes have 16 children, one cache line of floats: a million leaves are five lines deep. A node
/// is always the sum of its children in one fixed order, never adjusted by differences, so that sums do not drift and
/// the tree depends on its leaves alone. Batches go level by level, so that the memory of many walks is fetched at
/// once; the upper levels are passed over once for all points, which are sorted.
class SumTree {
 public:
  static constexpr std::size_t kFan = 16;

  /// All leaves are 0.
  explicit SumTree(std::size_t leaves = 0);

  std::size_t size() const noexcept { return size_; }
  float operator[](std::size_t leaf) const noexcept { return levels_.front()[leaf]; }
  /// The sum of all leaves.
  double total() const noexcept;

  /// leaf[i] becomes value[i], finite and >= 0; of several values for one leaf the last counts.
  void set(std::span<const std::uint32_t> leaf, std::span<const float> value);
  /// For each point in [0, 1), ascending: the leaf at that share of the total, leaves lying side by side in order. A
  /// leaf of 0 is never found; total() must be above 0. Points are used up.
  void find(std::span<double> point, std::span<std::uint32_t> leaf) const;

  std::span<const float> leaves() const noexcept { return {levels_.front().data(), size_}; }
  /// All leaves at once, size() of them.
  void assign(std::span<const float> values);

 private:
  // Points to nodes of the level it returns, and to shares of those nodes.
  std::size_t sweep(std::span<double> point, std::span<std::uint32_t> node) const;
  void renew(std::size_t level, std::size_t node) noexcept;

  std::size_t size_ = 0;
  std::vector<std::vector<float>> levels_;  // leaves first; each padded with 0 to whole nodes; the last is one node
  std::vector<std::uint32_t> nodes_;        // of set(): what has changed at a level
};

}  // namespace swipegym
