#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "core/memory_budget.h"

namespace swipegym {

/// The videos one session must not be offered again: the user's logged ones, then those watched in this session.
/// Exact. A bitmap of at most 8,192 bits answers almost every question with one load: for a catalogue that fits it is
/// the answer, for a larger one it is a filter and only a set bit (under 4 % of unseen videos) costs a scan of the
/// list. Allocates in the constructor only.
class SeenVideos {
 public:
  SeenVideos() = default;
  /// For videos in [0, num_videos) and at most `capacity` insertions between two clears.
  SeenVideos(std::size_t num_videos, std::size_t capacity)
      : exact_(num_videos <= kMaxBits),
        mask_(static_cast<std::uint32_t>(std::bit_ceil(std::clamp<std::size_t>(num_videos, 64, kMaxBits)) - 1)),
        bits_((mask_ + 1) / 64),
        list_(capacity) {}

  /// What one takes of memory, its own lists included.
  static std::uint64_t bytes(std::size_t num_videos, std::uint64_t capacity) noexcept {
    const std::size_t bits = std::bit_ceil(std::clamp<std::size_t>(num_videos, 64, kMaxBits));
    return sum_of({sizeof(SeenVideos), bits / 8, product_of({capacity, sizeof(std::uint32_t)})});
  }

  void clear() noexcept {
    std::fill(bits_.begin(), bits_.end(), 0);
    size_ = 0;
    logged_ = 0;
  }

  /// Adds a video of this session, or of the log when `logged` (those come first). False when it was there already; a
  /// logged video that is watched again in the session is added again. Throws std::length_error beyond the capacity.
  bool insert(std::uint32_t video, bool logged = false) {
    if (logged ? contains(video) : watched_now(video)) return false;
    if (size_ == list_.size()) throw std::length_error("SeenVideos: more videos than its capacity");
    bits_[(video & mask_) >> 6] |= std::uint64_t{1} << (video & 63);
    list_[size_++] = video;
    if (logged) logged_ = size_;
    return true;
  }

  /// Becomes what `other`, made for the same numbers, is: what is beyond its entries is not copied.
  void copy_from(const SeenVideos& other) noexcept {
    std::copy(other.bits_.begin(), other.bits_.end(), bits_.begin());
    std::copy_n(other.list_.begin(), other.size_, list_.begin());
    size_ = other.size_;
    logged_ = other.logged_;
  }

  bool contains(std::uint32_t video) const noexcept { return marked(video) && (exact_ || listed(video, 0)); }
  /// Watched in this session, whatever the log says.
  bool watched_now(std::uint32_t video) const noexcept { return marked(video) && listed(video, logged_); }

  /// Asks for the memory that `contains` will read; a row's bitmap has left the near caches since its last step.
  void prefetch() const noexcept {
    for (std::size_t word = 0; word < bits_.size(); word += 8) __builtin_prefetch(bits_.data() + word);
  }
  /// Asks for the memory that inserting `video` will touch.
  void prefetch(std::uint32_t video) const noexcept {
    __builtin_prefetch(bits_.data() + ((video & mask_) >> 6));
    __builtin_prefetch(list_.data() + size_);
  }

  std::size_t capacity() const noexcept { return list_.size(); }
  /// The number of entries: distinct videos, but for logged ones that were watched again.
  std::size_t size() const noexcept { return size_; }
  /// Oldest first: the logged ones, then this session's.
  std::span<const std::uint32_t> videos() const noexcept { return {list_.data(), size_}; }
  /// This session's, in the order they were watched.
  std::span<const std::uint32_t> watched() const noexcept { return videos().subspan(logged_); }

  static constexpr std::size_t kMaxBits = 8192;

 private:
  bool marked(std::uint32_t video) const noexcept { return bits_[(video & mask_) >> 6] >> (video & 63) & 1U; }
  bool listed(std::uint32_t video, std::size_t from) const noexcept {
    bool found = false;  // no early exit: the loop stays a handful of vector compares
    for (std::size_t i = from; i < size_; ++i) found |= list_[i] == video;
    return found;
  }

  bool exact_ = true;
  std::uint32_t mask_ = 0;
  std::vector<std::uint64_t> bits_;
  std::vector<std::uint32_t> list_;
  std::size_t size_ = 0;
  std::size_t logged_ = 0;
};

}  // namespace swipegym
