#include <nanobind/nanobind.h>

#include <stdexcept>

#include "core/error.h"
#include "core/range.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {

void check_interrupt() {
  const nb::gil_scoped_acquire locked;
  if (PyErr_CheckSignals() == 0) return;
  PyErr_Clear();  // raised again as KeyboardInterrupt, once the work has cleaned up
  throw Interrupted();
}

Progress interruptible() {
  return [](std::string_view, std::uint64_t, std::uint64_t) { check_interrupt(); };
}

namespace {

// (low, high) of what the program's options and Python's arguments have in common, by the names of the latter.
nb::dict shared_ranges() {
  nb::dict out;
  const auto whole = [&](const char* name, const Range& range) {
    out[name] = nb::make_tuple(static_cast<std::int64_t>(range.low()), static_cast<std::uint64_t>(range.high()));
  };
  const auto real = [&](const char* name, const Range& range) {
    out[name] = nb::make_tuple(static_cast<double>(range.low()), static_cast<double>(range.high()));
  };
  whole("seed", ranges::kAnySeed), whole("sessions", ranges::kSessions), whole("num_envs", ranges::kEnvs);
  whole("candidates", ranges::kSlots), whole("history_length", ranges::kHistory);
  whole("max_steps", ranges::kMaxSteps);
  real("weight", ranges::kAnyWeight), real("epsilon", ranges::kProbability);
  real("temperature", ranges::kTemperature);
  return out;
}

}  // namespace

}  // namespace swipegym::python

// What the package builds on; people import swipegym. Errors keep the words of the library: bad input is a ValueError
// (InputError), a machine that fails an OSError.
NB_MODULE(_core, module) {
  nb::set_leak_warnings(false);  // the traceback of an exception that nobody caught holds environments to the end
  module.attr("__version__") = SWIPEGYM_VERSION;
  module.attr("RANGES") = swipegym::python::shared_ranges();
  // A message may quote a path or a cell whose bytes are no UTF-8: so the translation is ours, not nanobind's.
  static PyObject *input_error = nullptr, *system_error = nullptr;
  input_error = nb::exception<swipegym::InputError>(module, "InputError", PyExc_ValueError).ptr();
  system_error = nb::exception<swipegym::SystemError>(module, "SystemError", PyExc_OSError).ptr();
  nb::register_exception_translator(
      [](const std::exception_ptr& thrown, void*) {
        const auto raise = [](PyObject* type, const char* message) {
          PyErr_SetObject(type, nb::cast(swipegym::python::SystemText{message}).ptr());
        };
        try {
          std::rethrow_exception(thrown);
        } catch (const swipegym::Interrupted&) {
          PyErr_SetNone(PyExc_KeyboardInterrupt);
        } catch (const swipegym::InputError& error) {
          raise(input_error, error.what());
        } catch (const swipegym::SystemError& error) {
          raise(system_error, error.what());
        } catch (const std::length_error&) {  // more than a vector can hold, before any allocation was tried
          raise(PyExc_MemoryError, "this needs more memory than there can be");
        }
      },
      nullptr);
  swipegym::python::bind_simulator(module);
  swipegym::python::bind_policy(module);
  swipegym::python::bind_stages(module);
  swipegym::python::bind_encoder(module);
  swipegym::python::bind_world(module);
  swipegym::python::bind_vector_env(module);
  swipegym::python::bind_sessions(module);
  swipegym::python::bind_season(module);
  swipegym::python::bind_log(module);
  swipegym::python::bind_log_files(module);
  swipegym::python::bind_off_policy(module);
  swipegym::python::bind_outputs(module);
  swipegym::python::bind_commands(module);
}
