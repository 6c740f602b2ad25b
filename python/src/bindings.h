#pragma once

#include <nanobind/nanobind.h>

namespace swipegym::python {

// One function a part of the module; bind_simulator comes first, since the others mention its types.
void bind_simulator(nanobind::module_& module);
void bind_vector_env(nanobind::module_& module);

}  // namespace swipegym::python
