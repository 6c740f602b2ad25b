#include "policy/bandit/bucket_flow.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/validate.h"

namespace swipegym {
namespace {

constexpr std::size_t kMostBuckets = 64;

void require_lists(const BucketFlow& flow, std::span<const double> measures, std::span<const double> scores) {
  flow.validate();
  require_size("measures", measures.size(), scores.size());
  for (std::size_t i = 0; i < measures.size(); ++i)
    if (std::isnan(measures[i])) detail::throw_invalid("measures", i, measures[i], "a number");
}

void best_first(std::span<SlateRoom::Key> keys, std::size_t count) {
  const auto middle = keys.begin() + static_cast<std::ptrdiff_t>(count);
  if (count < keys.size()) std::nth_element(keys.begin(), middle, keys.end(), comes_before);
  std::sort(keys.begin(), middle, comes_before);
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

std::size_t fill_buckets(const BucketFlow& flow, std::span<const double> measures, std::span<const double> scores,
                         double phase, std::optional<RandomKey> ties, SlateRoom& room, std::span<FlowPick> picks) {
  require_lists(flow, measures, scores);
  require_that("scores", !scores.empty(), "at least one");
  require_that("slate", !picks.empty(), "at least one slot");
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (std::isnan(scores[i])) detail::throw_invalid("scores", i, scores[i], "a number");
  const std::size_t wanted = std::min(picks.size(), scores.size()), buckets = flow.shares.size();
  std::array<std::size_t, kMostBuckets> slots{}, lists{};
  bucket_slots(flow, wanted, phase, std::span(slots).first(buckets));
  // How many of a bucket's arms are taken is known before which: the slots that it and those before it have.
  for (const double measure : measures) ++lists[flow.bucket_of(measure)];
  std::array<std::size_t, kMostBuckets> take{};
  std::size_t left = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::size_t b = flow.spill == "up" ? i : buckets - 1 - i;
    take[b] = std::min(slots[b] + left, lists[b]);
    left += slots[b] - take[b];
  }
  // The keys bucket by bucket, in the order of spilling; of each the best come first.
  room.places.resize(scores.size()), room.keys.resize(scores.size());
  tie_words(ties, room.places);
  std::array<std::size_t, kMostBuckets> begin{}, end{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::size_t b = flow.spill == "up" ? i : buckets - 1 - i;
    begin[b] = end[b] = at, at += lists[b];
  }
  for (std::uint32_t i = 0; i < scores.size(); ++i)
    room.keys[end[flow.bucket_of(measures[i])]++] = {scores[i], room.places[i], i};
  std::size_t slot = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::size_t b = flow.spill == "up" ? i : buckets - 1 - i;
    best_first(std::span(room.keys).subspan(begin[b], lists[b]), take[b]);
    for (std::size_t k = 0; k < take[b]; ++k)
      picks[slot++] = {room.keys[begin[b] + k].place, static_cast<std::uint32_t>(b), k >= slots[b]};
  }
  if (left == 0) return wanted;
  // Those not taken move to the front, and the best of them fill what is left.
  std::size_t others = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::size_t b = flow.spill == "up" ? i : buckets - 1 - i;
    for (std::size_t k = take[b]; k < lists[b]; ++k) room.keys[others++] = room.keys[begin[b] + k];
  }
  best_first(std::span(room.keys).first(others), left);
  for (std::size_t k = 0; k < left; ++k) {
    const std::uint32_t place = room.keys[k].place;
    picks[slot++] = {place, static_cast<std::uint32_t>(flow.bucket_of(measures[place])), true};
  }
  return wanted;
}

void single_slot_propensities(const BucketFlow& flow, std::span<const double> measures, std::span<const double> scores,
                              std::optional<RandomKey> ties, SlateRoom& room, std::span<double> out) {
  require_lists(flow, measures, scores);
  require_size("propensities", out.size(), scores.size());
  order_all(scores, ties, room);
  constexpr std::uint32_t kNone = 0xFFFFFFFFU;
  std::array<std::uint32_t, kMostBuckets> best{};
  best.fill(kNone);
  for (const std::uint32_t place : room.places) {
    std::uint32_t& first = best[flow.bucket_of(measures[place])];
    if (first == kNone) first = place;
  }
  std::fill(out.begin(), out.end(), 0.0);
  double left = 0.0;
  for (std::size_t i = 0; i < flow.shares.size(); ++i) {
    const std::size_t b = flow.spill == "up" ? i : flow.shares.size() - 1 - i;
    left += flow.shares[b];
    if (best[b] != kNone) out[best[b]] = left, left = 0.0;
  }
  out[room.places.front()] += left;
}

}  // namespace swipegym
