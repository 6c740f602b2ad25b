#include "policy/stages/user_categories.h"

#include <algorithm>

namespace swipegym {

void categories_of_history(const ObservationView& observation, std::size_t row, const std::vector<std::uint16_t>& tag,
                           std::vector<CategoryShare>& out) {
  out.clear();
  for (std::size_t at = row * observation.history_length, end = at + observation.history_length; at < end; ++at) {
    if (observation.history_video[at] < 0) continue;
    const std::uint16_t category = tag[static_cast<std::size_t>(observation.history_video[at])];
    auto found = std::find_if(out.begin(), out.end(),
                              [category](const CategoryShare& share) { return share.category == category; });
    if (found == out.end()) found = out.insert(out.end(), {.category = category});
    found->watched += std::clamp(observation.history_ratio[at], 0.0F, 1.0F);
    found->shown += 1.0F;
  }
  std::sort(out.begin(), out.end(), [](const CategoryShare& a, const CategoryShare& b) {
    return a.watched != b.watched ? a.watched > b.watched : a.category < b.category;
  });
}

}  // namespace swipegym
