#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/hdf5_reader.h"
#include "core/validate.h"

namespace swipegym {

/// Steps and updates that no run comes near: counting on from a larger number would overflow.
inline constexpr std::int64_t kMostCounted = std::int64_t{1} << 50;

/// Counters of a checkpoint, none negative.
struct Counters {
  std::string name;
  std::size_t expected = 0;
  std::vector<std::int64_t> value;

  void validate() const {
    require_size(name, value.size(), expected);
    require_between(name, std::span(value), std::int64_t{0}, kMostCounted);
  }
};

/// The `count` counters under `name`; InputError when there are others.
inline std::vector<std::int64_t> read_counters(const Hdf5Reader& file, const std::string& name, std::size_t count) {
  return file.checked(Counters{name, count, file.read<std::int64_t>(name)}).value;
}
/// The counter in an attribute.
inline std::int64_t read_counter(const Hdf5Reader& file, const std::string& attribute) {
  return file.checked(Counters{attribute, 1, {file.attribute_int(attribute)}}).value[0];
}

}  // namespace swipegym
