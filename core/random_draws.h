#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/random.h"

namespace swipegym {

/// Draws from the words of a RandomStream or BulkRandomStream, so that the key decides them. A draw that rejects takes
/// further words of the same stream: give each draw, or each fixed list of draws, a stream of its own.

/// 32 random bits in (0, 1].
constexpr double to_positive_unit(std::uint32_t bits) noexcept {
  return (static_cast<double>(bits) + 1.0) * 0x1p-32;
}

/// Two independent N(0, 1), from two words (Box & Muller, "A note on the generation of random normal deviates", 1958).
/// With 32 bits none lies beyond 6.7.
template <class Stream>
std::array<double, 2> draw_normal_pair(Stream& random) noexcept {
  const double radius = std::sqrt(-2.0 * std::log(to_positive_unit(random.next())));
  const double angle = 2.0 * std::numbers::pi * 0x1p-32 * static_cast<double>(random.next());
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

namespace detail {
// Gamma(shape, 1) for shape >= 1 (Marsaglia & Tsang, "A simple method for generating gamma variables", TOMS 2000);
// `normal` is the first one tried.
template <class Stream>
double draw_gamma_above_one(Stream& random, double shape, double normal) noexcept {
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;; normal = draw_normal_pair(random)[0]) {
    const double root = 1.0 + c * normal;
    if (root <= 0.0) continue;
    const double v = root * root * root, square = normal * normal, u = to_positive_unit(random.next());
    if (u < 1.0 - 0.0331 * square * square) return d * v;
    if (std::log(u) < 0.5 * square + d * (1.0 - v + std::log(v))) return d * v;
  }
}
}  // namespace detail

/// Gamma(shape, 1); shape > 0. Below 1 it is Gamma(shape + 1) U^(1 / shape), which may round to 0 for tiny shapes.
template <class Stream>
double draw_gamma(Stream& random, double shape) noexcept {
  const double normal = draw_normal_pair(random)[0];
  if (shape >= 1.0) return detail::draw_gamma_above_one(random, shape, normal);
  const double above = detail::draw_gamma_above_one(random, shape + 1.0, normal);
  return above * std::pow(to_positive_unit(random.next()), 1.0 / shape);
}

/// Beta(a, b) in [0, 1]; a, b >= 1e-6. Mostly four words, one block of the generator. Shapes below 1 are computed in
/// logarithms, so that two gammas that would both round to 0 still have their ratio.
template <class Stream>
double draw_beta(Stream& random, double a, double b) noexcept {
  const std::array<double, 2> normals = draw_normal_pair(random);
  const double first = detail::draw_gamma_above_one(random, a < 1.0 ? a + 1.0 : a, normals[0]);
  const double second = detail::draw_gamma_above_one(random, b < 1.0 ? b + 1.0 : b, normals[1]);
  if (a >= 1.0 && b >= 1.0) return first / (first + second);
  double odds = std::log(second) - std::log(first);  // of 1 - x, in logarithms
  if (a < 1.0) odds -= std::log(to_positive_unit(random.next())) / a;
  if (b < 1.0) odds += std::log(to_positive_unit(random.next())) / b;
  return 1.0 / (1.0 + std::exp(odds));
}

/// A Poisson number: how many unit exponentials fit into `mean` >= 0, one word each.
template <class Stream>
std::uint32_t draw_poisson(Stream& random, double mean) noexcept {
  std::uint32_t count = 0;
  for (double left = mean + std::log(to_positive_unit(random.next())); left >= 0.0; ++count)
    left += std::log(to_positive_unit(random.next()));
  return count;
}

}  // namespace swipegym
