#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/progress.h"

namespace swipegym::python {

// One function a part of the module; bind_simulator comes first and bind_policy before what lets policies act, since
// the others mention their types.
void bind_simulator(nanobind::module_& module);
void bind_policy(nanobind::module_& module);
void bind_stages(nanobind::module_& module);
void bind_encoder(nanobind::module_& module);
void bind_world(nanobind::module_& module);
void bind_vector_env(nanobind::module_& module);
void bind_sessions(nanobind::module_& module);
void bind_season(nanobind::module_& module);
void bind_log(nanobind::module_& module);
void bind_log_files(nanobind::module_& module);
void bind_off_policy(nanobind::module_& module);
void bind_outputs(nanobind::module_& module);
void bind_commands(nanobind::module_& module);

/// A name, a path or a word of a command: any bytes, as the system has them. A str stands for them as os.fsdecode makes
/// it; on the way out what is no UTF-8 is written as \xNN, so that it can be printed.
struct SystemText {
  std::string bytes;
};

/// What swipegym.arguments says about a value from outside: all ranges and words of Python's callers stand there.
template <class T, class... Limits>
T argument(const char* check, const char* name, nanobind::handle value, const Limits&... limits) {
  return nanobind::cast<T>(nanobind::module_::import_("swipegym.arguments").attr(check)(name, value, limits...));
}

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

template <>
struct nanobind::detail::type_caster<swipegym::python::SystemText> {
  NB_TYPE_CASTER(swipegym::python::SystemText, const_name("str"))

  bool from_python(handle source, std::uint8_t, cleanup_list*) noexcept {
    if (!PyUnicode_Check(source.ptr())) return false;
    PyObject* encoded = PyUnicode_EncodeFSDefault(source.ptr());
    if (encoded == nullptr) return PyErr_Clear(), false;
    value.bytes.assign(PyBytes_AsString(encoded), static_cast<std::size_t>(PyBytes_Size(encoded)));
    Py_DECREF(encoded);
    return true;
  }
  static handle from_cpp(const swipegym::python::SystemText& text, rv_policy, cleanup_list*) noexcept {
    return PyUnicode_DecodeUTF8(text.bytes.data(), static_cast<Py_ssize_t>(text.bytes.size()), "backslashreplace");
  }
};
