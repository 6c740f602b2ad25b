#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace swipegym {

/// Sixteen floats or integers side by side (GCC and Clang vector types: AVX-512 where there is, else narrower code with
/// the same result). Sums over lanes follow one fixed tree, so loops written with these are fast without -ffast-math
/// and still give the same bits everywhere.
inline constexpr std::size_t kLanes = 16;
using FloatLanes [[gnu::vector_size(64)]] = float;
using IntLanes [[gnu::vector_size(64)]] = std::int32_t;

inline FloatLanes load_lanes(const float* at) noexcept {
  FloatLanes out;
  std::memcpy(&out, at, sizeof out);
  return out;
}
inline IntLanes load_lanes(const std::uint32_t* at) noexcept {
  IntLanes out;
  std::memcpy(&out, at, sizeof out);
  return out;
}
/// value where mask lane is -1, 0 where it is 0.
inline FloatLanes keep_lanes(IntLanes mask, FloatLanes value) noexcept {
  IntLanes bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits &= mask;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}
inline float max_lanes(FloatLanes x) noexcept {
  float part[kLanes];
  std::memcpy(part, &x, sizeof part);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) part[i] = part[i] > part[i + half] ? part[i] : part[i + half];
  return part[0];
}
inline float sum_lanes(FloatLanes x) noexcept {
  float part[kLanes];
  std::memcpy(part, &x, sizeof part);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) part[i] += part[i + half];
  return part[0];
}

}  // namespace swipegym
