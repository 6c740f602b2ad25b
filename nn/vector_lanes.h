#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

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
  template <class Combine>
  static Scalar fold(Vector value, const Combine& combine) noexcept {
    using Index = std::conditional_t<sizeof(Scalar) == 8, std::int64_t, std::int32_t>;
    typedef Index Order __attribute__((vector_size(kBytes)));
    for (std::size_t half = kCount / 2; half > 0; half /= 2) {
      Order order;
      for (std::size_t i = 0; i < kCount; ++i) order[i] = static_cast<Index>((i + half) % kCount);
      value = combine(value, __builtin_shuffle(value, order));
    }
    return value[0];
  }
};

/// The multiple of the lanes that holds `count`.
template <class Scalar>
constexpr std::size_t whole_lanes(std::size_t count) noexcept {
  constexpr std::size_t kCount = VectorLanes<Scalar>::kCount;
  return (count + kCount - 1) / kCount * kCount;
}

}  // namespace swipegym
