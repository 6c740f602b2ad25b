#include "sim_data/id_map.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace swipegym {

IdMap::IdMap(std::span<const std::int64_t> ids, bool of_texts) : of_texts_(of_texts) {
  if (ids.empty()) return;
  const auto [low, high] = std::minmax_element(ids.begin(), ids.end());
  direct_ = *low >= 0 && static_cast<std::uint64_t>(*high) < 4 * ids.size() + 1024;
  if (direct_) {
    index_.assign(static_cast<std::size_t>(*high) + 1, kNone);
  } else {
    rehash(std::bit_ceil(2 * ids.size()));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (find(ids[i]) != kNone) {
      if (repeated_ == kNone) repeated_ = static_cast<std::uint32_t>(i);
    } else if (direct_) {
      index_[static_cast<std::size_t>(ids[i])] = static_cast<std::uint32_t>(i);
    } else {
      insert(ids[i], static_cast<std::uint32_t>(i));
    }
  }
  size_ = ids.size();
}

std::uint32_t IdMap::find_or_add(std::int64_t id) {
  const std::uint32_t found = find(id);
  if (found != kNone) return found;
  if (2 * (size_ + 1) > index_.size()) rehash(std::max<std::size_t>(64, 2 * index_.size()));
  insert(id, static_cast<std::uint32_t>(size_));
  return static_cast<std::uint32_t>(size_++);
}

void IdMap::rehash(std::size_t slots) {
  const std::vector<std::int64_t> keys = std::exchange(key_, std::vector<std::int64_t>(slots));
  const std::vector<std::uint32_t> indices = std::exchange(index_, std::vector<std::uint32_t>(slots, kNone));
  shift_ = 64U - static_cast<unsigned>(std::countr_zero(slots));
  for (std::size_t slot = 0; slot < indices.size(); ++slot)
    if (indices[slot] != kNone) insert(keys[slot], indices[slot]);
}

void IdMap::insert(std::int64_t id, std::uint32_t index) {
  std::size_t slot = home(id);
  while (index_[slot] != kNone) slot = (slot + 1) & (index_.size() - 1);
  key_[slot] = id;
  index_[slot] = index;
}

}  // namespace swipegym
