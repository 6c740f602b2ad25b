#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace swipegym {

/// As many bytes as a vector register has. Where lanes have nothing to do with one another, vectors of this size are as
/// good as wider ones, which GCC keeps in memory.
#ifdef __AVX512F__
inline constexpr std::size_t kRegisterBytes = 64;
#else
inline constexpr std::size_t kRegisterBytes = 32;
#endif

/// Floats or doubles side by side, for code that is written once for both (see core/lanes.h for floats). Sums run over
/// the lanes of 64 bytes in one fixed order, so results are the same bits on every machine.
template <class Scalar, std::size_t kBytes = 64>
struct VectorLanes {
  typedef Scalar Vector __attribute__((vector_size(kBytes)));
  static constexpr std::size_t kCount = kBytes / sizeof(Scalar);

  static Vector load(const Scalar* at) noexcept {
    Vector out;
    std::memcpy(&out, at, sizeof out);
    return out;
  }
  static void store(Scalar* at, Vector value) noexcept { std::memcpy(at, &value, sizeof value); }
  /// The first `count` lanes; the others are 0.
  static Vector load(const Scalar* at, std::size_t count) noexcept {
    if (count >= kCount) return load(at);
    Vector out{};
    std::memcpy(&out, at, count * sizeof(Scalar));
    return out;
  }
  static void store(Scalar* at, Vector value, std::size_t count) noexcept {
    std::memcpy(at, &value, (count < kCount ? count : kCount) * sizeof(Scalar));
  }
  static Vector fill(Scalar value) noexcept { return Vector{} + value; }
  /// Halves are folded onto each other, so the order of additions is fixed.
  static Scalar sum(Vector value) noexcept {
    return fold(value, [](Vector a, Vector b) { return a + b; });
  }
  static Scalar max(Vector value) noexcept {
    return fold(value, [](Vector a, Vector b) { return a > b ? a : b; });
  }

 private:
  // The lanes, each from kHalf further on.
  template <std::size_t kHalf, std::size_t... kLane>
  static Vector rotated(Vector value, std::index_sequence<kLane...>) noexcept {
    return __builtin_shufflevector(value, value, ((kLane + kHalf) % kCount)...);
  }
  template <std::size_t kHalf = kCount / 2, class Combine>
  static Scalar fold(Vector value, const Combine& combine) noexcept {
    if constexpr (kHalf == 0) {
      return value[0];
    } else {
      return fold<kHalf / 2>(combine(value, rotated<kHalf>(value, std::make_index_sequence<kCount>())), combine);
    }
  }
};

/// The multiple of the lanes that holds `count`.
template <class Scalar>
constexpr std::size_t whole_lanes(std::size_t count) noexcept {
  constexpr std::size_t kCount = VectorLanes<Scalar>::kCount;
  return (count + kCount - 1) / kCount * kCount;
}

}  // namespace swipegym
