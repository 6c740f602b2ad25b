#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "env/seen_videos.h"

namespace swipegym {

/// What candidate sources draw with: a few distinct videos that a session has not seen.

/// Collects a few distinct videos into `videos`. The bitmap spares the scan of what was taken in all but a few cases.
class TakenFew {
 public:
  static constexpr std::size_t kMost = 64;

  explicit TakenFew(std::span<std::int32_t> videos) noexcept : videos_(videos) {}

  bool full() const noexcept { return count_ == videos_.size(); }
  std::size_t count() const noexcept { return count_; }
  bool contains(std::uint32_t video) const noexcept {
    if (!(bits_[(video & kMask) >> 6] >> (video & 63) & 1U)) return false;
    const auto end = videos_.begin() + static_cast<std::ptrdiff_t>(count_);
    return std::find(videos_.begin(), end, static_cast<std::int32_t>(video)) != end;
  }
  void take(std::uint32_t video) noexcept {
    bits_[(video & kMask) >> 6] |= std::uint64_t{1} << (video & 63);
    videos_[count_++] = static_cast<std::int32_t>(video);
  }

 private:
  static constexpr std::uint32_t kMask = 2047;
  std::span<std::int32_t> videos_;
  std::size_t count_ = 0;
  std::array<std::uint64_t, (kMask + 1) / 64> bits_{};
};

/// The same for many, where scans would grow with their square: a bitmap of the whole catalogue is the answer. The
/// thread lends it and gets it back with what was set cleared: clearing all of it would cost more than most draws.
class TakenMany {
 public:
  TakenMany(std::span<std::int32_t> videos, std::uint32_t num_videos) : videos_(videos) {
    thread_local std::vector<std::uint64_t> catalogue;
    if (catalogue.size() * 64 < num_videos) catalogue.resize(num_videos / 64 + 1);
    bits_ = catalogue.data();
  }
  ~TakenMany() {
    for (std::size_t i = 0; i < count_; ++i) bits_[static_cast<std::uint32_t>(videos_[i]) >> 6] = 0;
  }
  TakenMany(const TakenMany&) = delete;
  TakenMany& operator=(const TakenMany&) = delete;

  bool full() const noexcept { return count_ == videos_.size(); }
  std::size_t count() const noexcept { return count_; }
  bool contains(std::uint32_t video) const noexcept { return (bits_[video >> 6] >> (video & 63) & 1U) != 0; }
  void take(std::uint32_t video) noexcept {
    bits_[video >> 6] |= std::uint64_t{1} << (video & 63);
    videos_[count_++] = static_cast<std::int32_t>(video);
  }

 private:
  std::span<std::int32_t> videos_;
  std::size_t count_ = 0;
  std::uint64_t* bits_ = nullptr;
};

/// Calls collect(taken) with whichever of the two suits.
template <class Collect>
void collect_distinct(std::span<std::int32_t> videos, std::uint32_t num_videos, const Collect& collect) {
  if (videos.size() <= TakenFew::kMost) {
    TakenFew taken(videos);
    collect(taken);
  } else {
    TakenMany taken(videos, num_videos);
    collect(taken);
  }
}

/// Fills what is not taken yet with unseen videos, uniform; where these run out, with seen ones whose mask is 0.
/// Rejection is fast while at least a quarter of the catalogue is free; below that (small catalogues only, since a
/// session sees hundreds of videos) one pass over the catalogue draws the rest: a reservoir, then a shuffle of the
/// slots.
template <class Random, class Taken>
void take_uniform(std::uint32_t num_videos, const SeenVideos& seen, Random& random, Taken& taken,
                  std::span<std::int32_t> videos, std::span<std::uint8_t> mask) {
  std::fill(mask.begin(), mask.end(), std::uint8_t{1});
  const std::size_t used = seen.size() + videos.size();
  if (used <= num_videos - num_videos / 4) {
    while (!taken.full()) {
      const std::uint32_t video = random.below(num_videos);
      if (!seen.contains(video) && !taken.contains(video)) taken.take(video);
    }
    return;
  }
  const std::size_t first = taken.count();
  const std::size_t wanted = videos.size() - first;
  const std::span<std::int32_t> rest = videos.subspan(first);
  std::size_t found = 0;
  for (std::uint32_t video = 0; video < num_videos; ++video) {
    const auto head = videos.first(first);
    if (seen.contains(video) || std::find(head.begin(), head.end(), static_cast<std::int32_t>(video)) != head.end())
      continue;
    const std::size_t place = found < wanted ? found : random.below(static_cast<std::uint32_t>(found + 1));
    if (place < wanted) rest[place] = static_cast<std::int32_t>(video);
    ++found;
  }
  const std::size_t drawn = std::min(found, wanted);
  for (std::size_t i = drawn; i > 1; --i) std::swap(rest[i - 1], rest[random.below(static_cast<std::uint32_t>(i))]);
  std::size_t slot = first + drawn;
  for (std::uint32_t video = 0; video < num_videos && slot < videos.size(); ++video) {
    if (!seen.contains(video)) continue;
    mask[slot] = 0;
    videos[slot++] = static_cast<std::int32_t>(video);
  }
}

/// The videos of `list`, without -1, that the session has not seen, until only `left` slots are free; then
/// take_uniform().
template <class Random>
void take_from_list(std::span<const std::int32_t> list, std::size_t left, std::uint32_t num_videos,
                    const SeenVideos& seen, Random& random, std::span<std::int32_t> videos,
                    std::span<std::uint8_t> mask) {
  collect_distinct(videos, num_videos, [&](auto& taken) {
    for (const std::int32_t listed : list) {
      if (taken.count() + left >= videos.size()) break;
      const auto video = static_cast<std::uint32_t>(listed);
      if (listed >= 0 && !seen.contains(video)) taken.take(video);
    }
    take_uniform(num_videos, seen, random, taken, videos, mask);
  });
}

}  // namespace swipegym
