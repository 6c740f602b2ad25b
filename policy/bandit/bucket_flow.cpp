#include "policy/bandit/bucket_flow.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "core/validate.h"

namespace swipegym {
namespace {

constexpr std::size_t kMostBuckets = 64;

std::size_t nth_to_spill(const BucketFlow& flow, std::size_t i) noexcept {
  return flow.spill == "up" ? i : flow.shares.size() - 1 - i;
}

// Places of all arms in room.places, best first.
void order_all(std::span<const double> scores, std::optional<RandomKey> ties, SlateRoom& room) {
  room.places.resize(scores.size());
  best_slate(scores, ties, room, room.places);
}

}  // namespace

void BucketFlow::validate() const {
  require_that("flow.shares", !shares.empty() && shares.size() <= kMostBuckets, "1 to 64 of them");
  require_size("flow.edges", edges.size(), shares.size() - 1);
  require_finite("flow.edges", std::span(edges));
  for (std::size_t i = 1; i < edges.size(); ++i)
    if (!(edges[i] > edges[i - 1]))
      detail::throw_invalid("flow.edges", i, edges[i], fmt::format("more than the edge before it, {}", edges[i - 1]));
  require_between("flow.shares", std::span(shares), 0.0, 1.0);
  double sum = 0.0;
  for (const double share : shares) sum += share;
  if (!(std::abs(sum - 1.0) <= 1e-6)) throw InputError(fmt::format("flow.shares sum to {:.6g}, expected 1", sum));
  if (spill != "up" && spill != "down")
    throw InputError(fmt::format("flow.spill is '{}', expected 'up' or 'down'", spill));
}

std::size_t BucketFlow::bucket_of(double measure) const noexcept {
  return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), measure) - edges.begin());
}

void bucket_slots(const BucketFlow& flow, std::size_t slots, double phase, std::span<std::size_t> out) {
  flow.validate();
  require_size("slots of buckets", out.size(), flow.shares.size());
  require_that("phase", phase >= 0.0 && phase < 1.0, "a number in [0, 1)");
  double share = 0.0;
  std::size_t before = 0;
  for (std::size_t b = 0; b < out.size(); ++b) {
    share += flow.shares[b];
    // 1e-9: .7 + .15 of 100 slots shall be 85, whatever the binary fractions are.
    const double end = std::floor(share * static_cast<double>(slots) + phase + 1e-9);
    const std::size_t until = b + 1 == out.size() ? slots : std::clamp(static_cast<std::size_t>(end), before, slots);
    out[b] = until - before, before = until;
  }
}

void find_buckets(const BucketFlow& flow, std::span<const double> measures, std::span<std::uint8_t> out) {
  flow.validate();
  require_size("buckets", out.size(), measures.size());
  for (std::size_t i = 0; i < measures.size(); ++i) {
    if (std::isnan(measures[i])) detail::throw_invalid("measures", i, measures[i], "a number");
    out[i] = static_cast<std::uint8_t>(flow.bucket_of(measures[i]));
  }
}

std::size_t fill_buckets(const BucketFlow& flow, std::span<const std::uint8_t> buckets, std::span<const double> scores,
                         double phase, std::optional<RandomKey> ties, SlateRoom& room, std::span<FlowPick> picks) {
  flow.validate();
  require_size("buckets", buckets.size(), scores.size());
  require_that("scores", !scores.empty(), "at least one");
  require_that("slate", !picks.empty(), "at least one slot");
  const std::size_t wanted = std::min(picks.size(), scores.size()), number = flow.shares.size();
  room.heaps.resize(std::max(room.heaps.size(), number));
  for (std::vector<SlateRoom::Key>& heap : room.heaps) heap.clear();
  std::array<std::size_t, kMostBuckets> arms{};
  TieWords tie(ties);
  // The best `wanted` of each bucket: most of a long list is only compared with the last of its bucket's.
  for (std::uint32_t i = 0; i < scores.size(); ++i) {
    assert(buckets[i] < number);
    std::vector<SlateRoom::Key>& heap = room.heaps[buckets[i]];
    ++arms[buckets[i]];
    const bool full = heap.size() == wanted;
    if (full && scores[i] < heap.front().score) continue;
    if (std::isnan(scores[i])) detail::throw_invalid("scores", i, scores[i], "a number");
    if (full) {
      replace_last(heap, {scores[i], tie(i), i});
    } else {
      heap.push_back({scores[i], tie(i), i});
      std::push_heap(heap.begin(), heap.end(), comes_before);
    }
  }
  std::array<std::size_t, kMostBuckets> slots{};
  bucket_slots(flow, wanted, phase, std::span(slots).first(number));
  std::size_t left = 0, slot = 0;
  room.keys.clear();  // those not taken
  for (std::size_t i = 0; i < number; ++i) {
    const std::size_t b = nth_to_spill(flow, i);
    std::vector<SlateRoom::Key>& heap = room.heaps[b];
    std::sort_heap(heap.begin(), heap.end(), comes_before);
    const std::size_t take = std::min(slots[b] + left, arms[b]);
    left += slots[b] - take;
    for (std::size_t k = 0; k < take; ++k)
      picks[slot++] = {heap[k].place, static_cast<std::uint32_t>(b), k >= slots[b]};
    room.keys.insert(room.keys.end(), heap.begin() + static_cast<std::ptrdiff_t>(take), heap.end());
  }
  std::partial_sort(room.keys.begin(), room.keys.begin() + static_cast<std::ptrdiff_t>(left), room.keys.end(),
                    comes_before);
  for (std::size_t k = 0; k < left; ++k) {
    const std::uint32_t place = room.keys[k].place;
    picks[slot++] = {place, buckets[place], true};
  }
  return wanted;
}

void single_slot_propensities(const BucketFlow& flow, std::span<const std::uint8_t> buckets,
                              std::span<const double> scores, std::optional<RandomKey> ties, SlateRoom& room,
                              std::span<double> out) {
  flow.validate();
  require_size("buckets", buckets.size(), scores.size());
  require_size("propensities", out.size(), scores.size());
  order_all(scores, ties, room);
  constexpr std::uint32_t kNone = 0xFFFFFFFFU;
  std::array<std::uint32_t, kMostBuckets> best{};
  best.fill(kNone);
  for (const std::uint32_t place : room.places) {
    std::uint32_t& first = best[buckets[place]];
    if (first == kNone) first = place;
  }
  std::fill(out.begin(), out.end(), 0.0);
  double left = 0.0;
  for (std::size_t i = 0; i < flow.shares.size(); ++i) {
    const std::size_t b = nth_to_spill(flow, i);
    left += flow.shares[b];
    if (best[b] != kNone) out[best[b]] = left, left = 0.0;
  }
  out[room.places.front()] += left;
}

}  // namespace swipegym
