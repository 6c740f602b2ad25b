#pragma once

#include <nanobind/nanobind.h>

#include <utility>

namespace swipegym::python {

/// A Python object that the engine holds: whichever of its threads lets it go takes the interpreter's lock first.
class KeptObject {
 public:
  explicit KeptObject(nanobind::object object) : object_(std::move(object)) {}
  ~KeptObject() {
    const nanobind::gil_scoped_acquire locked;
    object_.reset();
  }
  KeptObject(const KeptObject&) = delete;
  KeptObject& operator=(const KeptObject&) = delete;

  /// With the lock only.
  const nanobind::object& operator*() const noexcept { return object_; }

 private:
  nanobind::object object_;
};

}  // namespace swipegym::python
