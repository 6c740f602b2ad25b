#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <initializer_list>
#include <vector>

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

}  // namespace swipegym::python
