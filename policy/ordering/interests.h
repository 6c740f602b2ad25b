#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "policy/ordering/order_settings.h"

namespace swipegym {

/// A tag and its share of a user's history, or the chance of it.
struct SideInterest {
  std::uint16_t tag = 0;
  float share = 0.0F;
};

/// A user's stable interests beside the largest: tags with at least `least_share` of the history's tagged videos, but
/// for the one with most (of several the lowest), by tag. `history` [videos] tags, `no_tag` the value that stands for
/// none. `room` and `out` are overwritten; at most 1 / least_share interests are found.
void find_side_interests(std::span<const std::uint16_t> history, std::int32_t no_tag, float least_share,
                         std::vector<std::uint16_t>& room, std::vector<SideInterest>& out);

/// Of these interests those that the list has videos of, with the chance that each is drawn: by share. In place.
void keep_interests_of(std::span<const std::uint16_t> list_tags, std::vector<SideInterest>& interests);

/// A place of the slate that goes to an interest, or none.
struct BringBack {
  std::int32_t tag = -1;  // -1: none
  std::size_t place = 0;
};

/// Scores [n] times min(1, inventory / floor)^kappa; a negative score is divided by it, so that none rises. `inventory`
/// [n] is the number of videos in each one's pool, itself included: 0 counts as 1. Throws InputError for lengths that
/// differ.
void damp_by_inventory(std::span<float> scores, std::span<const std::uint32_t> inventory,
                       const InventoryDamping& settings);

/// Videos of each tag: [tags].
std::vector<std::uint32_t> count_by_tag(std::span<const std::uint16_t> tags, std::size_t num_tags);

}  // namespace swipegym
