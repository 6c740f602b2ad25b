#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/random.h"

namespace swipegym {

inline constexpr std::size_t kWordsAtOnce = 32;

/// Words [32 block, 32 block + 32) of RandomStream(key, stream): the same numbers, eight counters at a time where the
/// processor has the registers for it.
void random_words(RandomKey key, std::uint32_t stream, std::uint32_t block,
                  std::span<std::uint32_t, kWordsAtOnce> words) noexcept;

/// RandomStream for those who draw ten numbers or more: the same numbers in the same order, made in bulk.
class BulkRandomStream {
 public:
  explicit BulkRandomStream(RandomKey key, std::uint32_t stream = 0) noexcept : key_(key), stream_(stream) {}

  std::uint32_t next() noexcept {
    if (used_ == kWordsAtOnce) {
      random_words(key_, stream_, block_++, words_);
      used_ = 0;
    }
    return words_[used_++];
  }
  float uniform() noexcept { return to_unit(next()); }
  /// [0, bound), unbiased; bound > 0.
  std::uint32_t below(std::uint32_t bound) noexcept {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t threshold = -bound % bound;
      while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next()} * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  RandomKey key_;
  std::uint32_t stream_;
  std::uint32_t block_ = 0;
  std::size_t used_ = kWordsAtOnce;
  alignas(64) std::array<std::uint32_t, kWordsAtOnce> words_;
};

}  // namespace swipegym
