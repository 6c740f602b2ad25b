#pragma once

#include <array>
#include <cstdint>

namespace swipegym {

/// Counter-based random numbers (Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
/// A key names what a draw is for; the same key gives the same numbers on any thread, in any order, on any machine.
struct RandomKey {
  std::uint32_t hi = 0, lo = 0;
  auto operator<=>(const RandomKey&) const = default;
};

/// What the numbers of a session are for; the child index of a key.
enum class Draw : std::uint32_t {
  kUser = 1,
  kCandidates,
  kResponse,
  kReturn,
  kAction,
  kExploration,
  kBatch,
  kInit,
  kQuery
};

namespace detail {
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint32_t k0,
                                              std::uint32_t k1) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return counter;
}
}  // namespace detail

constexpr RandomKey make_key(std::uint64_t seed) noexcept {
  const auto block = detail::philox({static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), 0, 1},
                                    0x5317E67BU, 0x0C0FFEE5U);
  return {block[0], block[1]};
}

/// An independent key: split(split(key, episode), Draw::kResponse) and so on.
constexpr RandomKey split(RandomKey parent, std::uint64_t index) noexcept {
  const auto block = detail::philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0, 2},
                                    parent.hi, parent.lo);
  return {block[0], block[1]};
}
constexpr RandomKey split(RandomKey parent, Draw what) noexcept {
  return split(parent, static_cast<std::uint64_t>(what) << 32);
}

/// 24 random bits as a float in [0, 1).
constexpr float to_unit(std::uint32_t bits) noexcept {
  return static_cast<float>(bits >> 8) * 0x1p-24F;
}

/// The numbers of one key, in order. `stream` separates up to 2^32 streams of a key (say, the steps of a session)
/// without the cost of another split.
class RandomStream {
 public:
  explicit constexpr RandomStream(RandomKey key, std::uint32_t stream = 0) noexcept : key_(key), stream_(stream) {}

  constexpr std::uint32_t next() noexcept {
    if (used_ == 4) {
      block_ = detail::philox({counter_++, 0, stream_, 0}, key_.hi, key_.lo);
      used_ = 0;
    }
    return block_[used_++];
  }
  constexpr std::uint64_t next_u64() noexcept {
    const std::uint64_t high = next();
    return high << 32 | next();
  }
  constexpr float uniform() noexcept { return to_unit(next()); }
  /// 53 bits in [0, 1).
  constexpr double uniform_double() noexcept { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }
  /// [0, bound), unbiased (Lemire's rejection); bound > 0.
  constexpr std::uint32_t below(std::uint32_t bound) noexcept {
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
  std::uint32_t counter_ = 0;
  unsigned used_ = 4;
  std::array<std::uint32_t, 4> block_{};
};

}  // namespace swipegym
