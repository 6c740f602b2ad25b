#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

#include "core/progress.h"

namespace swipegym::python {

// One function a part of the module; bind_simulator comes first and bind_policy before what lets policies act, since
// the others mention their types.
void bind_simulator(nanobind::module_& module);
void bind_policy(nanobind::module_& module);
void bind_vector_env(nanobind::module_& module);
void bind_rollout(nanobind::module_& module);
void bind_log(nanobind::module_& module);
void bind_log_files(nanobind::module_& module);
void bind_off_policy(nanobind::module_& module);
void bind_commands(nanobind::module_& module);

/// Throws Interrupted once Ctrl-C was pressed; takes the interpreter's lock, so call it where it is not held, from the
/// thread that came from Python.
void check_interrupt();
/// For long work without the lock.
Progress interruptible();

/// An array that owns its values.
template <class T>
nanobind::object owned_array(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto* kept = new std::vector<T>(std::move(values));
  nanobind::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nanobind::cast(nanobind::ndarray<nanobind::numpy, T>(kept->data(), shape, owner));
}
template <class T>
nanobind::object owned_column(std::vector<T> values) {
  const std::size_t rows = values.size();
  return owned_array(std::move(values), {rows});
}

}  // namespace swipegym::python
