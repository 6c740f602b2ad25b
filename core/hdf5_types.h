#pragma once

#include <cstdint>

/// Calls X(T) for every type of number that our HDF5 files hold: for explicit instantiations.
#define SWIPEGYM_FOR_HDF5_TYPES(X) \
  X(float)                         \
  X(double)                        \
  X(std::int8_t)                   \
  X(std::int16_t)                  \
  X(std::int32_t)                  \
  X(std::int64_t)                  \
  X(std::uint8_t)                  \
  X(std::uint16_t)                 \
  X(std::uint32_t)                 \
  X(std::uint64_t)
