#include <nanobind/ndarray.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>

#include "policy/input_columns.h"
#include "python/src/bindings.h"
#include "python/src/observation_input.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

using Videos = nb::ndarray<const std::int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

struct Encoder {
  explicit Encoder(std::shared_ptr<Simulator> of) : simulator(std::move(of)), columns(simulator->catalogue) {}

  nb::object states(const nb::dict& observation, std::size_t rows, std::size_t slots, int threads) const {
    const ObservationView view = observation_input(observation, simulator->catalogue, rows, slots);
    std::vector<float> out(rows * columns.state_size());
    {
      nb::gil_scoped_release unlocked;
      columns.states(view, threads, out);
    }
    return owned_array(std::move(out), {rows, columns.state_size()});
  }

  // [rows, per_row, columns]
  nb::object pairs(const nb::dict& observation, std::size_t slots, const Videos& videos, bool with_state,
                   int threads) const {
    const std::size_t rows = videos.shape(0), per_row = videos.shape(1);
    const ObservationView view = observation_input(observation, simulator->catalogue, rows, slots);
    const std::span<const std::int32_t> shown(videos.data(), videos.size());
    check_indices(shown, 0, simulator->catalogue.num_videos(), "videos");
    const std::size_t width = columns.pair_size() + (with_state ? columns.state_size() : 0);
    std::vector<float> out(videos.size() * width);
    {
      nb::gil_scoped_release unlocked;
      columns.pairs(view, shown, with_state, threads, out);
    }
    return owned_array(std::move(out), {rows, per_row, width});
  }

  std::shared_ptr<Simulator> simulator;
  InputColumns columns;
};

}  // namespace

void bind_encoder(nb::module_& module) {
  nb::class_<Encoder>(module, "Encoder", "What a value network reads; swipegym.Encoder is its face.")
      .def(nb::init<std::shared_ptr<Simulator>>(), nb::arg("simulator"))
      .def("state_names", [](const Encoder& e) { return e.columns.state_names(); })
      .def("pair_names", [](const Encoder& e) { return e.columns.pair_names(); })
      .def("states", &Encoder::states, nb::arg("observation"), nb::arg("rows"), nb::arg("slots"), nb::arg("threads"))
      .def("pairs", &Encoder::pairs, nb::arg("observation"), nb::arg("slots"), nb::arg("videos"), nb::arg("with_state"),
           nb::arg("threads"));
}

}  // namespace swipegym::python
