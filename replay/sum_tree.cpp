#include "replay/sum_tree.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/lanes.h"

namespace swipegym {
namespace {

static_assert(SumTree::kFan == kLanes);
constexpr std::size_t kSweep = 4;  // sums that are passed over one by one for each point, before walks part

// Lane i holds the sum of lanes 0 to i.
FloatLanes running_sums(FloatLanes x) noexcept {
  const FloatLanes zero{};
  x += __builtin_shufflevector(x, zero, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
  x += __builtin_shufflevector(x, zero, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
  x += __builtin_shufflevector(x, zero, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  x += __builtin_shufflevector(x, zero, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7);
  return x;
}

// How many lanes of a comparison hold.
std::size_t lanes_set(IntLanes mask) noexcept {
  mask += __builtin_shufflevector(mask, mask, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  mask += __builtin_shufflevector(mask, mask, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  mask += __builtin_shufflevector(mask, mask, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return static_cast<std::size_t>(-(mask[0] + mask[1]));
}

struct Choice {
  std::size_t child;
  double point;  // within the child, in [0, 1)
};

// The share that is left goes to the next level as a fraction of the child: rounding stays relative to what it falls
// on, and a leaf of a millionth of the total is still hit as often as its size says.
Choice choose(const float* children, double point) noexcept {
  float until[kLanes + 1];
  const FloatLanes sums = running_sums(load_lanes(children));
  until[0] = 0.0F;
  std::memcpy(until + 1, &sums, sizeof sums);
  const float whole = until[kLanes];
  const double target = point * static_cast<double>(whole);
  const float rounded = std::min(static_cast<float>(target), whole * (1.0F - 0x1p-24F));
  const std::size_t child = lanes_set(sums <= (FloatLanes{} + rounded));
  const double low = until[child], high = until[child + 1];
  return {child, std::clamp((target - low) / (high - low), 0.0, 1.0 - 0x1p-53)};
}

}  // namespace

SumTree::SumTree(std::size_t leaves) : size_(leaves) {
  for (std::size_t count = std::max<std::size_t>(leaves, 1);; count = (count + kFan - 1) / kFan) {
    levels_.emplace_back((count + kFan - 1) / kFan * kFan, 0.0F);
    if (count <= kFan) break;
  }
}

double SumTree::total() const noexcept {
  return static_cast<double>(running_sums(load_lanes(levels_.back().data()))[kLanes - 1]);
}

void SumTree::renew(std::size_t level, std::size_t node) noexcept {
  levels_[level + 1][node] = sum_lanes(load_lanes(levels_[level].data() + node * kFan));
}

void SumTree::set(std::span<const std::uint32_t> leaf, std::span<const float> value) {
  assert(leaf.size() == value.size());
  for (std::size_t i = 0; i < leaf.size(); ++i) {
    assert(leaf[i] < size_ && value[i] >= 0.0F && std::isfinite(value[i]));
    levels_[0][leaf[i]] = value[i];
  }
  nodes_.assign(leaf.begin(), leaf.end());
  for (std::size_t level = 0; level + 1 < levels_.size(); ++level) {
    const std::size_t above = levels_[level].size() / kFan;
    if (nodes_.size() >= above) {  // all of them, here and further up: cheaper than following which have changed
      for (std::size_t node = 0; node < above; ++node) renew(level, node);
      continue;
    }
    for (std::uint32_t& node : nodes_) {
      node /= kFan;
      renew(level, node);
    }
  }
}

std::size_t SumTree::sweep(std::span<double> point, std::span<std::uint32_t> node) const {
  std::size_t level = 0;
  while (level + 1 < levels_.size() && levels_[level].size() > kSweep * point.size()) ++level;
  const std::vector<float>& sums = levels_[level];
  double whole = 0.0;
  std::uint32_t last = 0;
  for (std::uint32_t i = 0; i < sums.size(); ++i)
    if (sums[i] > 0.0F) whole += static_cast<double>(sums[i]), last = i;
  double before = 0.0;
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < point.size(); ++i) {
    const double target = point[i] * whole;
    for (; at < last && before + static_cast<double>(sums[at]) <= target; ++at) before += static_cast<double>(sums[at]);
    node[i] = at;
    point[i] = std::clamp((target - before) / static_cast<double>(sums[at]), 0.0, 1.0 - 0x1p-53);
  }
  return level;
}

void SumTree::find(std::span<double> point, std::span<std::uint32_t> leaf) const {
  assert(point.size() == leaf.size() && total() > 0.0);
  constexpr std::size_t kAtOnce = 64;  // walks side by side
  const std::size_t from = sweep(point, leaf);
  for (std::size_t first = 0; first < point.size(); first += kAtOnce) {
    const std::size_t end = std::min(point.size(), first + kAtOnce);
    for (std::size_t level = from; level-- > 0;)
      for (std::size_t i = first; i < end; ++i) {
        const Choice choice = choose(levels_[level].data() + std::size_t{leaf[i]} * kFan, point[i]);
        leaf[i] = static_cast<std::uint32_t>(leaf[i] * kFan + choice.child);
        point[i] = choice.point;
        if (level > 0) __builtin_prefetch(levels_[level - 1].data() + std::size_t{leaf[i]} * kFan);
      }
  }
}

void SumTree::assign(std::span<const float> values) {
  assert(values.size() == size_);
  std::copy(values.begin(), values.end(), levels_[0].begin());
  for (std::size_t level = 0; level + 1 < levels_.size(); ++level)
    for (std::size_t node = 0; node < levels_[level].size() / kFan; ++node) renew(level, node);
}

}  // namespace swipegym
