#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "env/observation.h"
#include "env/simulator.h"

namespace swipegym::python {

/// A batch of observations from Python as the engine reads them; the arrays must outlive it. `user` and `mask` are not
/// part of an observation and stay null. Throws InputError that names an entry which is missing, has another shape or
/// dtype, holds what is no number, or an index that the simulator's catalogue does not know.
ObservationView observation_input(const nanobind::dict& observation, const Catalogue& catalogue, std::size_t rows,
                                  std::size_t slots);

/// Throws InputError unless all are in [low, count).
void check_indices(std::span<const std::int32_t> values, std::int64_t low, std::size_t count, const char* what);
void check_indices(std::span<const std::uint32_t> values, std::int64_t low, std::size_t count, const char* what);

}  // namespace swipegym::python
