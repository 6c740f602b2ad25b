#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/item_inputs.h"

namespace swipegym {

/// The videos of a catalogue by their tag. A video with several tags belongs to its first one, as everywhere here
/// (Catalogue::tag); videos without a tag, and those whose tag a policy has never met, are groups of their own.
struct TagGroups {
  std::vector<std::int32_t> tag;       // [groups], as ItemInputs::tag has it, ascending; -1: never met
  std::vector<std::uint32_t> begin;    // [groups + 1], into `video`
  std::vector<std::int32_t> video;     // [videos], a group behind the other, ascending within each
  std::vector<std::int32_t> group_of;  // [videos]

  std::size_t size() const noexcept { return tag.size(); }
  std::size_t num_videos() const noexcept { return group_of.size(); }
  std::span<const std::int32_t> of(std::size_t group) const noexcept {
    return std::span(video).subspan(begin[group], begin[group + 1] - begin[group]);
  }
};
TagGroups group_by_tag(const ItemInputs& videos);

/// What stands for group g among the items of a network: the row behind those of all videos.
inline std::int32_t tag_row(const TagGroups& groups, std::size_t g) noexcept {
  return static_cast<std::int32_t>(groups.num_videos() + g);
}
/// The videos, and behind them a row a group: its tag, the means of its videos' features and derived features, no
/// author and no id.
ItemInputs with_tag_rows(ItemInputs videos, const TagGroups& groups);
/// The first `count` rows.
ItemInputs first_rows(const ItemInputs& items, std::size_t count);

}  // namespace swipegym
