#include <nanobind/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "core/output_part.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// An OutputPart that Python can let go of before it collects the object.
class Part {
 public:
  Part(std::filesystem::path path, bool folder)
      : part_(std::make_unique<OutputPart>(std::move(path), folder ? OutputKind::kFolder : OutputKind::kText)),
        place_(part_->is_stream() ? part_->path() : part_->temporary()) {}

  const std::filesystem::path& place() const noexcept { return place_; }
  void commit() {
    if (part_) part_->commit();
    part_.reset();
  }
  void discard() noexcept { part_.reset(); }

 private:
  std::unique_ptr<OutputPart> part_;
  std::filesystem::path place_;
};

}  // namespace

void bind_outputs(nb::module_& module) {
  nb::class_<Part>(module, "OutputPart", "A file or folder that appears only when whole, see swipegym.formats.files.")
      // A pipe waits for its reader, who may be another thread of Python's.
      .def(nb::init<std::filesystem::path, bool>(), nb::arg("path"), nb::arg("folder") = false,
           nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("place", &Part::place, "Where to write until it is whole; the path itself of a device or a pipe.")
      .def("commit", &Part::commit, "Puts it in place.")
      .def("discard", &Part::discard, "Removes it, unless it was put in place.");
}

}  // namespace swipegym::python
