#pragma once

#include <cstdint>
#include <span>

namespace swipegym {

inline constexpr std::uint64_t kNoBytes = 0xCBF29CE484222325ULL;

/// FNV-1a, 64 bits: tells files that were damaged or changed apart, no more. `sum` is that of what came before.
inline std::uint64_t byte_sum(std::span<const std::uint8_t> bytes, std::uint64_t sum = kNoBytes) noexcept {
  for (const std::uint8_t byte : bytes) sum = (sum ^ byte) * 0x100000001B3ULL;
  return sum;
}

}  // namespace swipegym
