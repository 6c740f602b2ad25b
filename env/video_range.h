#pragma once

#include <cstddef>
#include <cstdint>

namespace swipegym {

/// Videos [begin, end) of a catalogue.
struct VideoRange {
  std::uint32_t begin = 0, end = 0;

  std::size_t size() const noexcept { return end - begin; }
  bool contains(std::uint32_t video) const noexcept { return video >= begin && video < end; }
};

}  // namespace swipegym
