#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace swipegym {

/// e^x to 2e-7 relative for x in [-87, 88], clamped outside. Branch-free so that loops over it become vector code, and
/// the same bits whether an element falls into the vector body or the remainder of such a loop, unlike library calls.
inline float fast_exp(float x) noexcept {
  x = x < -87.0F ? -87.0F : (x > 88.0F ? 88.0F : x);
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float shifted = x * 1.44269504088896341F + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const std::uint32_t exponent = (std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRound)) << 23;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + exponent);
}
inline double fast_exp(double x) noexcept {
  return std::exp(x);
}

template <class Scalar>
Scalar fast_sigmoid(Scalar x) noexcept {
  return Scalar(1) / (Scalar(1) + fast_exp(-x));
}

/// ln(1 + e^x) without overflow.
template <class Scalar>
Scalar softplus(Scalar x) noexcept {
  return (x > Scalar(0) ? x : Scalar(0)) + std::log1p(std::exp(x > Scalar(0) ? -x : x));
}

}  // namespace swipegym
