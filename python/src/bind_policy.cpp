#include <fmt/format.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include "core/error.h"
#include "core/random.h"
#include "policy/make_policy.h"
#include "policy/policy.h"
#include "python/src/bindings.h"
#include "python/src/function_policy.h"
#include "python/src/observation_input.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// [rows, slots] of scores; no env stands behind them, so that policies which look into one refuse.
nb::object score(const Policy& policy, const nb::dict& observation,
                 const nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>& user,
                 const nb::ndarray<const std::int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>& mask,
                 const Simulator& simulator, std::uint64_t seed, int threads) {
  const std::size_t rows = user.shape(0), slots = mask.shape(1);
  if (mask.shape(0) != rows) throw InputError(fmt::format("{} users beside {} rows of masks", rows, mask.shape(0)));
  check_indices(std::span(user.data(), rows), 0, simulator.catalogue.num_users(), "info['user']");
  ObservationView view = observation_input(observation, simulator.catalogue, rows, slots);
  view.user = user.data(), view.mask = reinterpret_cast<const std::uint8_t*>(mask.data());
  std::vector<float> scores(rows * slots);
  {
    nb::gil_scoped_release unlocked;
    std::vector<RandomKey> keys(rows);
    for (std::size_t row = 0; row < rows; ++row) keys[row] = split(make_key(seed), row);
    const std::vector<std::uint32_t> streams(rows, 0);
    policy.score({.observation = view, .keys = keys, .streams = streams, .threads = threads}, scores);
  }
  return owned_array(std::move(scores), {rows, slots});
}

std::shared_ptr<Policy> open_policy(const SystemText& spec, const Simulator& simulator) {
  nb::gil_scoped_release unlocked;
  return std::const_pointer_cast<Policy>(make_policy(spec.bytes, simulator));  // Python has no const; all methods are
}

}  // namespace

void bind_policy(nb::module_& module) {
  nb::class_<Policy>(module, "Policy", "What scores candidates; swipegym.Policy is its face.")
      .def_static("load", &open_policy, nb::arg("spec"), nb::arg("simulator"), nb::keep_alive<0, 2>())
      .def_prop_ro("name", &Policy::name)
      .def_prop_ro("head", &Policy::head)
      .def_prop_ro("temperature", &Policy::temperature)
      .def_prop_ro("history_length", &Policy::history_length)
      .def_prop_ro("scores_are_random", &Policy::scores_are_random)
      .def("score", &score, nb::arg("observation"), nb::arg("user"), nb::arg("mask"), nb::arg("simulator"),
           nb::arg("seed"), nb::arg("threads"));
  nb::class_<FunctionPolicy, Policy>(module, "FunctionPolicy", "Asks a function for scores.")
      .def(nb::init<nb::object, std::string>(), nb::arg("function"), nb::arg("name"));
}

}  // namespace swipegym::python
