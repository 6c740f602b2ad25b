#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "core/error.h"
#include "env/constant_user_model.h"
#include "env/fitted/simulator_file.h"
#include "env/simulator_fingerprint.h"
#include "python/src/bindings.h"
#include "python/src/python_user_model.h"
#include "sim_data/fingerprint.h"

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

// Notes how a simulator is made again, which is how it is pickled and what commands are given for it; see
// simulators.py.
template <class... Words>
nb::object made_by(std::shared_ptr<Simulator> simulator, const Words&... how) {
  nb::object out = nb::cast(std::move(simulator));
  nb::setattr(out, "_made_by", nb::make_tuple(how...));
  return out;
}

nb::object open_simulator(nb::handle path, nb::handle clock) {
  const std::filesystem::path file = argument<SystemText>("path", "path", path).bytes;
  const auto word = argument<std::string>("word", "clock", clock, std::vector<std::string>{"dense", "log"});
  std::shared_ptr<Simulator> simulator;
  {
    nb::gil_scoped_release unlocked;
    simulator = std::make_shared<Simulator>(load_simulator(file, word == "log" ? Clock::kLog : Clock::kDense));
  }
  const std::string whole = std::filesystem::absolute(file).string();
  const nb::object name =
      nb::steal(PyUnicode_DecodeFSDefaultAndSize(whole.data(), static_cast<Py_ssize_t>(whole.size())));
  return made_by(std::move(simulator), "file", name, word);
}

nb::object constant(nb::handle leave_after, nb::handle watch_ratio, nb::handle videos) {
  const auto leave = argument<int>("whole", "leave_after", leave_after, 1);
  const auto ratio = argument<float>("real", "watch_ratio", watch_ratio, 0.0, 100.0);
  const auto count = argument<std::size_t>("whole", "videos", videos, 1, 1'000'000);
  return made_by(std::make_shared<Simulator>(
                     *make_constant_simulator({.leave_after = leave, .watch_ratio = ratio}, {.num_videos = count})),
                 "constant", leave, ratio, count);
}

// The users, videos and session starts of another simulator, with a model's answers; see user_models.py.
std::shared_ptr<Simulator> answered_by(const Simulator& like, std::size_t state_size, std::size_t draws,
                                       std::int64_t gap_ms, const nb::object& begin, const nb::object& respond,
                                       const nb::object& expect) {
  auto simulator = std::make_shared<Simulator>(like);
  simulator->model = std::make_shared<PythonUserModel>(PythonUserModel::Parts{.state_size = state_size,
                                                                              .draws = draws,
                                                                              .gap_ms = gap_ms,
                                                                              .begin = begin,
                                                                              .respond = respond,
                                                                              .expect = expect});
  simulator->fit = read_fit_notes(R"({"model": "python"})", "python");
  simulator->truth.clear();
  return simulator;
}

// What made_by() noted of a file: 1 its path, 2 the clock.
template <int entry>
nb::object of_file(nb::handle_t<Simulator> self) {
  const nb::object how = self.attr("_made_by");
  return nb::cast<std::string>(how[0]) == "file" ? nb::object(how[entry]) : nb::none();
}

}  // namespace

void bind_simulator(nb::module_& module) {
  nb::class_<Simulator>(
      module, "Simulator",
      "A fitted user simulator. Immutable: any number of environments may share one. Copies of it are "
      "the same object; it is pickled as the path of its file.",
      nb::dynamic_attr())
      .def_static("load", &open_simulator, nb::arg("path").none(), nb::arg("clock").none() = "dense",
                  nb::sig("def load(path: str | bytes | os.PathLike, clock: str = 'dense') -> Simulator"),
                  "Read a file of `swipegym fit`. clock: 'dense' (whole sessions) or 'log' (as thin as the log's).")
      .def_static(
          "constant", &constant, nb::arg("leave_after").none() = 3, nb::arg("watch_ratio").none() = 0.5,
          nb::arg("videos").none() = 500,
          nb::sig("def constant(leave_after: int = 3, watch_ratio: float = 0.5, videos: int = 500) -> Simulator"),
          "Nothing is random: every video is watched to the same ratio, and after leave_after of them the user "
          "leaves. To try an agent's plumbing on.")
      .def_prop_ro("path", &of_file<1>, nb::sig("def path(self) -> str | None"),
                   "Of its file, which commands take; None for a constant one.")
      .def_prop_ro("clock", &of_file<2>, nb::sig("def clock(self) -> str | None"),
                   "'dense' or 'log'; None for a constant one.")
      .def_prop_ro("num_users", [](const Simulator& s) { return s.catalogue.num_users(); })
      .def_prop_ro("num_videos", [](const Simulator& s) { return s.catalogue.num_videos(); })
      .def_prop_ro("num_tags", [](const Simulator& s) { return s.catalogue.num_tags; })
      .def_prop_ro(
          "fingerprint", [](const Simulator& s) { return fingerprint_text(simulator_fingerprint(s)); },
          "16 hexadecimal digits, equal where users, videos and answers are.")
      .def_prop_ro(
          "config", [](const Simulator& s) { return s.fit.text(); }, "JSON text of what it was fitted with.")
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
                   "[users, 16] float32: as in the observation; docs/guide/environment.md.")
      .def_prop_ro("video_features", &catalogue_table<&Catalogue::video_features, kVideoFeatures>,
                   "[videos, 8] float32: of a candidate in the observation; docs/guide/environment.md.");
  module.def("answered_by", &answered_by, nb::arg("like"), nb::arg("state_size"), nb::arg("draws"), nb::arg("gap_ms"),
             nb::arg("begin").none(), nb::arg("respond"), nb::arg("expect"),
             "A simulator of a Python user model; swipegym.simulator_of is its face.");
}

}  // namespace swipegym::python
