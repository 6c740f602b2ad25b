#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/ordering/greedy_order.h"
#include "policy/ordering/interests.h"
#include "policy/ordering/slate_rules.h"

namespace swipegym {

/// What one slate is made from. Damping is the caller's: it has changed relevance already.
struct OrderRequest {
  ScoredList list;
  ShownBefore before{};    // where rules look further back than the slate
  float boost = 1.0F;      // of diversity's weight, see diversity_boost()
  BringBack bring_back{};  // drawn by the caller
};

/// Why a video stands where it stands.
struct PlaceReason {
  float relevance = 0.0F;         // as the list has it
  float gain = 0.0F;              // what it added there, by the method (GreedyOrder)
  std::uint32_t passed_over = 0;  // videos that would have added more, left out for rules or for bring-back
  bool brought_back = false;
};

struct SlateOrder {
  std::size_t places = 0;        // filled: the smaller of slate and list
  std::uint32_t violations = 0;  // of rules: 0 whenever an order without exists (see PlacePlanner)
  bool searched_all = true;      // false: the search ended at search_steps, and there may be fewer
  bool brought_back = false;     // a place was given to the interest that bring_back names
};

/// Room that is kept from slate to slate; one a thread. Nothing is allocated once it has seen the largest list.
struct OrderWorkspace {
  GreedyOrder greedy;
  PlacePlanner planner;
  std::vector<std::uint8_t> taken{};  // [n]
};

/// Fills `slate` with indices into the list, first place first: at each place the video that adds most (ties: the
/// first of the list) of those with which the rules can still be kept. -1 behind the last of a list that is shorter.
///
/// With bring_back a slate that holds no video of that tag is ordered again with its place for them; where no video of
/// it can stand there without breaking more rules, the slate stays. `reasons` is empty or as long as the slate. Throws
/// InputError for numbers that are not finite and columns that are missing.
SlateOrder order_slate(const OrderRequest& request, const OrderSettings& settings, const SlateRules& rules,
                       OrderWorkspace& workspace, std::span<std::int32_t> slate, std::span<PlaceReason> reasons = {});

}  // namespace swipegym
