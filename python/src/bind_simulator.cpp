#include <fmt/format.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include "core/error.h"
#include "env/constant_user_model.h"
#include "env/simulator_file.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// A column of the catalogue as a read-only array that keeps the simulator alive.
template <class T>
auto column(const std::vector<T>& values, nb::handle owner) {
  return nb::ndarray<nb::numpy, const T, nb::ndim<1>>(values.data(), {values.size()}, owner);
}

template <class T, std::vector<T> Catalogue::*Column>
auto catalogue_column(nb::handle_t<Simulator> self) {
  return column(nb::cast<const Simulator&>(self).catalogue.*Column, self);
}

// A table of the catalogue, likewise.
template <std::vector<float> Catalogue::*Table, std::size_t columns>
auto catalogue_table(nb::handle_t<Simulator> self) {
  const std::vector<float>& values = nb::cast<const Simulator&>(self).catalogue.*Table;
  return nb::ndarray<nb::numpy, const float, nb::ndim<2>>(values.data(), {values.size() / columns, columns}, self);
}

std::shared_ptr<Simulator> load(const std::filesystem::path& path, const std::string& clock) {
  if (clock != "dense" && clock != "log") throw nb::value_error("clock is 'dense' or 'log'");
  nb::gil_scoped_release unlocked;
  return std::make_shared<Simulator>(load_simulator(path, clock == "log" ? Clock::kLog : Clock::kDense));
}

std::shared_ptr<Simulator> constant(int leave_after, float watch_ratio, std::size_t videos) {
  if (leave_after < 1) throw InputError(fmt::format("leave_after is {}, expected at least 1", leave_after));
  return std::make_shared<Simulator>(
      *make_constant_simulator({.leave_after = leave_after, .watch_ratio = watch_ratio}, {.num_videos = videos}));
}

}  // namespace

void bind_simulator(nb::module_& module) {
  nb::class_<Simulator>(module, "Simulator",
                        "A fitted user simulator. Immutable: any number of environments may share one.")
      .def_static("load", &load, nb::arg("path"), nb::arg("clock") = "dense",
                  "Read a file of `swipegym fit`. clock: 'dense' (whole sessions) or 'log' (as thin as the log's).")
      .def_static("constant", &constant, nb::arg("leave_after") = 3, nb::arg("watch_ratio") = 0.5F,
                  nb::arg("videos") = 500,
                  "Nothing is random: every video is watched to the same ratio, and after leave_after of them the user "
                  "leaves. To try an agent's plumbing on.")
      .def_prop_ro("num_users", [](const Simulator& s) { return s.catalogue.num_users(); })
      .def_prop_ro("num_videos", [](const Simulator& s) { return s.catalogue.num_videos(); })
      .def_prop_ro("num_tags", [](const Simulator& s) { return s.catalogue.num_tags; })
      .def_ro("config", &Simulator::config, "JSON text of what it was fitted with.")
      .def_prop_ro("video_id", &catalogue_column<std::int64_t, &Catalogue::raw_video_id>,
                   "[videos] int64: ids of the log, by video index.")
      .def_prop_ro("user_id", &catalogue_column<std::int64_t, &Catalogue::raw_user_id>,
                   "[users] int64: ids of the log, by user index.")
      .def_prop_ro("duration_ms", &catalogue_column<std::int32_t, &Catalogue::duration_ms>, "[videos] int32.")
      .def_prop_ro("tag", &catalogue_column<std::uint16_t, &Catalogue::tag>,
                   "[videos] uint16: dense tag index; num_tags - 1 is 'none'.")
      .def_prop_ro("author", &catalogue_column<std::uint32_t, &Catalogue::author>,
                   "[videos] uint32: dense author index.")
      .def_prop_ro("user_features", &catalogue_table<&Catalogue::user_features, kUserFeatures>,
                   "[users, 16] float32: as in the observation; docs/environment.md.")
      .def_prop_ro("video_features", &catalogue_table<&Catalogue::video_features, kVideoFeatures>,
                   "[videos, 8] float32: of a candidate in the observation; docs/environment.md.");
}

}  // namespace swipegym::python
