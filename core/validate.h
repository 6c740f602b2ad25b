#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

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
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] < T{0} || static_cast<std::uint64_t>(values[i]) >= bound)
      detail::throw_invalid(name, i, values[i], fmt::format("an index below {}", bound));
}

/// Numbers that are neither NaN nor infinite.
template <class T>
void require_finite(std::string_view name, std::span<const T> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) detail::throw_invalid(name, i, values[i], "a finite number");
}

/// Numbers in [low, high]; NaN is in no range.
template <class T>
void require_between(std::string_view name, std::span<const T> values, T low, T high) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(values[i] >= low && values[i] <= high))
      detail::throw_invalid(name, i, values[i], fmt::format("a number from {} to {}", low, high));
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
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] < offsets[i - 1])
      detail::throw_invalid(name, i, offsets[i], fmt::format("at least the offset before it, {}", offsets[i - 1]));
  if (static_cast<std::uint64_t>(offsets.back()) != values)
    detail::throw_invalid(name, groups, offsets.back(), fmt::format("{}, the number of values", values));
}

}  // namespace swipegym
