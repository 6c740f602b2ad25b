#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/random.h"
#include "policy/bandit/slate.h"

namespace swipegym {

/// Bucket flows: arms fall into buckets by a measure of what is known of them (shows, the posterior's deviation, a
/// deviation of an embedding), and every bucket fills its share of a slate.
struct BucketFlow {
  std::vector<double> edges = {10.0, 30.0, 100.0};      // ascending: bucket b holds [edges[b - 1], edges[b])
  std::vector<double> shares = {0.05, 0.1, 0.15, 0.7};  // of each bucket, edges + 1, summing to 1
  std::string spill = "up";  // what a bucket lacks goes to the next one "up", or "down": measures from low to high

  /// InputError for no share, shares that do not sum to 1 (to 1e-6), edges that do not ascend or are no numbers.
  void validate() const;
  std::size_t bucket_of(double measure) const noexcept;
};

template <class Visitor>
void visit_fields(Visitor& visit, BucketFlow& flow) {
  visit("edges", flow.edges, between(0, 1e15), lengths(0, 63));
  visit("shares", flow.shares, between(0, 1), lengths(1, 64));
  visit("spill", flow.spill, one_of({"up", "down"}));
}

/// Slots of each bucket in a slate of `slots`: cumulative shares are rounded, so that they sum to `slots` whatever the
/// shares. A phase of .5 rounds to the nearest; one drawn uniformly from [0, 1) gives each bucket its share in
/// expectation, exactly, also of a single slot.
void bucket_slots(const BucketFlow& flow, std::size_t slots, double phase, std::span<std::size_t> out);

/// The bucket of each arm, [list]. InputError for a flow that is none (validate) or a measure that is NaN.
void find_buckets(const BucketFlow& flow, std::span<const double> measures, std::span<std::uint8_t> out);

struct FlowPick {
  std::uint32_t place = 0;   // in the list
  std::uint32_t bucket = 0;  // the arm's own
  bool spilled = false;      // it fills a slot of another bucket
};

/// Fills min(picks.size(), scores.size()) picks: the buckets in the order of spilling, each with its best arms by
/// score, as many as its slots and those the buckets before could not fill; what is left after the last one goes to
/// the best of all arms not yet taken. `buckets` (find_buckets) and `scores` are [list]; ties as in best_slate().
/// Returns how many were filled. InputError for a flow that is none (validate), an empty list or slate, and a score
/// that is NaN.
std::size_t fill_buckets(const BucketFlow& flow, std::span<const std::uint8_t> buckets, std::span<const double> scores,
                         double phase, std::optional<RandomKey> ties, SlateRoom& room, std::span<FlowPick> picks);

/// The probability of each arm to fill a slate of one slot whose phase is uniform, given its score: `out` is [list],
/// sums to 1. A flow gives its share to the bucket's best arm, or, where the bucket is empty, to whom it spills.
void single_slot_propensities(const BucketFlow& flow, std::span<const std::uint8_t> buckets,
                              std::span<const double> scores, std::optional<RandomKey> ties, SlateRoom& room,
                              std::span<double> out);

}  // namespace swipegym
