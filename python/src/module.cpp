#include "core/error.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

// What the package builds on; people import swipegym. Errors keep the words of the library: bad input is a ValueError
// (InputError), a machine that fails an OSError.
NB_MODULE(_core, module) {
  module.attr("__version__") = SWIPEGYM_VERSION;
  nb::exception<swipegym::InputError>(module, "InputError", PyExc_ValueError);
  nb::exception<swipegym::SystemError>(module, "SystemError", PyExc_OSError);
  swipegym::python::bind_simulator(module);
  swipegym::python::bind_vector_env(module);
}
