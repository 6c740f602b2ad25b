#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/error.h"

namespace swipegym {

/// What a struct that is read from a file states about its fields, in its own validate(). Each check throws InputError
/// with the field's name, the first offending value and what was expected; Hdf5Reader::checked() puts the file's name
/// before it. Whoever adds a field to such a struct adds its check there, and loaders call nothing else.
///
///   void Catalogue::validate() const {
///     require_size("catalogue/tag", tag.size(), num_videos());
///     require_below("catalogue/tag", std::span(tag), num_tags);
///     require_finite("catalogue/item_mean", std::span(item_mean));
///   }

namespace detail {
template <class T>
[[noreturn]] void throw_invalid(std::string_view name, std::size_t index, T value, const std::string& expected) {
  throw InputError(fmt::format("{}[{}] is {}, expected {}", name, index, value, expected));
}

/// An unsigned integer as wide as T.
template <class T>
using Word = std::conditional_t<sizeof(T) == 1, std::uint8_t,
                                std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                                   std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;

/// Throws for the first value outside of [low, high]. Where there is none, one loop without a branch, which compilers
/// turn into vectors, since such lists have millions of entries: of integers the largest distance from `low`, modulo
/// the width of their type, of other numbers whether all compare. Only a failure looks for where it was.
template <class T, class Expected>
void require_all_between(std::string_view name, std::span<const T> values, T low, T high, const Expected& expected) {
  const auto is_good = [low, high](T value) { return value >= low && value <= high; };
  bool good = true;
  if constexpr (std::is_integral_v<T>) {
    Word<T> furthest = 0;
    for (const T value : values) {
      const auto distance = static_cast<Word<T>>(static_cast<Word<T>>(value) - static_cast<Word<T>>(low));
      furthest = std::max(furthest, distance);
    }
    good = furthest <= static_cast<Word<T>>(static_cast<Word<T>>(high) - static_cast<Word<T>>(low));
  } else {
    Word<T> all = 1;
    for (const T value : values) all &= static_cast<Word<T>>(value >= low) & static_cast<Word<T>>(value <= high);
    good = all != 0;
  }
  if (good) return;
  const auto bad = std::find_if_not(values.begin(), values.end(), is_good);
  throw_invalid(name, static_cast<std::size_t>(bad - values.begin()), *bad, expected());
}
}  // namespace detail

/// As many values as expected.
inline void require_size(std::string_view name, std::size_t size, std::size_t expected) {
  if (size != expected) throw InputError(fmt::format("{} has {} values, expected {}", name, size, expected));
}

/// What holds, said in words: require_that("grid/bins", bins >= 2, "at least two bins").
inline void require_that(std::string_view name, bool holds, std::string_view expected) {
  if (!holds) throw InputError(fmt::format("{}: expected {}", name, expected));
}

/// Indices that lie in [0, bound).
template <class T>
void require_below(std::string_view name, std::span<const T> values, std::uint64_t bound) {
  const auto expected = [bound] { return fmt::format("an index below {}", bound); };
  if (bound == 0 && !values.empty()) detail::throw_invalid(name, 0, values[0], expected());
  const std::uint64_t high = std::min<std::uint64_t>(bound - 1, std::numeric_limits<T>::max());
  if (bound > 0) detail::require_all_between(name, values, T{0}, static_cast<T>(high), expected);
}

/// Indices as before, or -1 where there is none.
template <class T>
void require_below_or_none(std::string_view name, std::span<const T> values, std::uint64_t bound) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] < T{-1} || (values[i] >= T{0} && static_cast<std::uint64_t>(values[i]) >= bound))
      detail::throw_invalid(name, i, values[i], fmt::format("an index below {}, or -1", bound));
}

/// Numbers that are neither NaN nor infinite.
template <class T>
void require_finite(std::string_view name, std::span<const T> values) {
  detail::require_all_between(name, values, std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max(),
                              [] { return "a finite number"; });
}

/// Numbers in [low, high]; NaN is in no range.
template <class T>
void require_between(std::string_view name, std::span<const T> values, T low, T high) {
  detail::require_all_between(name, values, low, high,
                              [low, high] { return fmt::format("a number from {} to {}", low, high); });
}
template <class T>
void require_between(std::string_view name, T value, T low, T high) {
  if (!(value >= low && value <= high))
    throw InputError(fmt::format("{} is {}, expected a number from {} to {}", name, value, low, high));
}

/// Where each of `groups` groups begins in a list of `values` values: groups + 1 offsets that begin at 0, never fall
/// and end at `values`.
template <class T>
void require_offsets(std::string_view name, std::span<const T> offsets, std::size_t groups, std::size_t values) {
  require_size(name, offsets.size(), groups + 1);
  if (offsets.front() != T{0}) detail::throw_invalid(name, 0, offsets.front(), "0");
  detail::Word<T> rising = 1;
  for (std::size_t i = 1; i < offsets.size(); ++i) rising &= static_cast<detail::Word<T>>(offsets[i] >= offsets[i - 1]);
  if (rising == 0) {
    const auto fall = std::adjacent_find(offsets.begin(), offsets.end(), std::greater<>());
    detail::throw_invalid(name, static_cast<std::size_t>(fall - offsets.begin()) + 1, fall[1],
                          fmt::format("at least the offset before it, {}", *fall));
  }
  if (static_cast<std::uint64_t>(offsets.back()) != values)
    detail::throw_invalid(name, groups, offsets.back(), fmt::format("{}, the number of values", values));
}

}  // namespace swipegym
