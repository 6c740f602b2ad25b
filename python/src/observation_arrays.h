#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include "core/random.h"
#include "python/src/step_buffers.h"

namespace swipegym::python {

/// Values in the memory of `owner`, which lives as long as the array.
template <class T>
nanobind::object array(std::vector<T>& values, std::initializer_list<std::size_t> shape, nanobind::handle owner) {
  return nanobind::cast(nanobind::ndarray<nanobind::numpy, T>(values.data(), shape, owner));
}

/// What an agent sees, and what is known beside it: whose session it is and what may be chosen.
nanobind::dict observation_arrays(ObservationBuffers& buffers, nanobind::handle owner);
nanobind::dict information_arrays(ObservationBuffers& buffers, nanobind::handle owner);

/// What a function of Python is told of sessions, in memory of its own: it may keep it, and write into it.
struct Told {
  nanobind::dict observation, info;
};
/// Rows [begin, end) of a view. Where the view has no mask every candidate may be chosen.
Told told_of(const ObservationView& view, std::size_t begin, std::size_t end);
/// info["seen"], [rows, longest of them]: what may not be shown, -1 behind the end.
void tell_seen(Told& told, std::span<const std::span<const std::uint32_t>> videos);
/// info["uniform"], [rows, draws] float32 in [0, 1); nothing for 0 draws.
void tell_uniform(Told& told, std::vector<RandomStream> streams, std::size_t draws);

}  // namespace swipegym::python
