#include "policy/ordering/interests.h"

#include <algorithm>
#include <cmath>

#include "core/validate.h"

namespace swipegym {

void find_side_interests(std::span<const std::uint16_t> history, std::int32_t no_tag, float least_share,
                         std::vector<std::uint16_t>& room, std::vector<SideInterest>& out) {
  require_between("order: least share of an interest", least_share, 0.01F, 1.0F);
  room.assign(history.begin(), history.end());
  room.erase(std::remove_if(room.begin(), room.end(), [&](std::uint16_t tag) { return tag == no_tag; }), room.end());
  std::sort(room.begin(), room.end());
  out.clear();
  std::size_t most = 0;
  std::uint16_t top = 0;
  const auto each_tag = [&](auto&& see) {
    for (std::size_t first = 0; first < room.size();) {
      std::size_t last = first;
      while (last < room.size() && room[last] == room[first]) ++last;
      see(room[first], last - first);
      first = last;
    }
  };
  each_tag([&](std::uint16_t tag, std::size_t count) {
    if (count > most) most = count, top = tag;
  });
  each_tag([&](std::uint16_t tag, std::size_t count) {
    const float share = static_cast<float>(count) / static_cast<float>(room.size());
    if (tag != top && share >= least_share) out.push_back({tag, share});
  });
}

void keep_interests_of(std::span<const std::uint16_t> list_tags, std::vector<SideInterest>& interests) {
  std::erase_if(interests, [&](const SideInterest& interest) {
    return std::find(list_tags.begin(), list_tags.end(), interest.tag) == list_tags.end();
  });
  double total = 0.0;
  for (const SideInterest& interest : interests) total += static_cast<double>(interest.share);
  for (SideInterest& interest : interests)
    interest.share = static_cast<float>(static_cast<double>(interest.share) / total);
}

void damp_by_inventory(std::span<float> scores, std::span<const std::uint32_t> inventory,
                       const InventoryDamping& settings) {
  require_size("order: inventory", inventory.size(), scores.size());
  if (settings.kappa == 0.0F) return;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const float share = static_cast<float>(std::max(inventory[i], 1U)) / settings.floor;
    if (share >= 1.0F) continue;
    const float factor = std::pow(share, settings.kappa);
    scores[i] = scores[i] >= 0.0F ? scores[i] * factor : scores[i] / factor;
  }
}

std::vector<std::uint32_t> count_by_tag(std::span<const std::uint16_t> tags, std::size_t num_tags) {
  require_below("order: tag", tags, num_tags);
  std::vector<std::uint32_t> counts(num_tags, 0);
  for (const std::uint16_t tag : tags) ++counts[tag];
  return counts;
}

}  // namespace swipegym
