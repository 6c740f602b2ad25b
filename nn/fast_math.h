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

/// ln x to 1e-6 absolute for normal x > 0, branch-free like fast_exp (after Cephes' logf: x = 2^e m, m in
/// [.707, 1.414)).
inline float fast_log(float x) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t shifted = bits - 0x3F3504F3U;  // sqrt(1/2)
  const float e = static_cast<float>(static_cast<std::int32_t>(shifted) >> 23);
  const float m = std::bit_cast<float>((shifted & 0x007FFFFFU) + 0x3F3504F3U) - 1.0F;
  float p = 7.0376836292e-2F;
  p = p * m - 1.1514610310e-1F;
  p = p * m + 1.1676998740e-1F;
  p = p * m - 1.2420140846e-1F;
  p = p * m + 1.4249322787e-1F;
  p = p * m - 1.6668057665e-1F;
  p = p * m + 2.0000714765e-1F;
  p = p * m - 2.4999993993e-1F;
  p = p * m + 3.3333331174e-1F;
  const float square = m * m;
  return m + (p * m * square - 0.5F * square) + e * 0.693147180559945F;
}

/// 1 / sqrt(x) to 2e-7 relative for normal x > 0, branch-free like fast_exp: a first guess from the exponent, and
/// Newton's steps.
inline float fast_rsqrt(float x) noexcept {
  float y = std::bit_cast<float>(0x5F375A86U - (std::bit_cast<std::uint32_t>(x) >> 1));
  for (int step = 0; step < 3; ++step) y = y * (1.5F - 0.5F * x * y * y);
  return y;
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
