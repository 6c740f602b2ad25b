#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "env/observation.h"

namespace swipegym {

/// What a user did in one category, the video's tag, within the history of an observation.
struct CategoryShare {
  std::uint16_t category = 0;
  float watched = 0.0F;  // sum of watch ratios, each clipped to 1
  float shown = 0.0F;    // videos

  float rate() const noexcept { return shown > 0.0F ? watched / shown : 0.0F; }
};

/// The categories of row's history, those with most watched first, equal ones by their index; `tag` is a column of the
/// catalogue. `out` is room that is kept.
void categories_of_history(const ObservationView& observation, std::size_t row, const std::vector<std::uint16_t>& tag,
                           std::vector<CategoryShare>& out);

}  // namespace swipegym
