#include <fmt/format.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <cmath>
#include <type_traits>

#include "core/error.h"
#include "core/random.h"
#include "policy/make_policy.h"
#include "policy/policy.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// An entry of an observation as the policy reads it: [rows, width] of T. Throws InputError for anything else.
template <class T>
const T* entry(const nb::dict& observation, const char* name, std::size_t rows, std::size_t width) {
  if (!observation.contains(name)) throw InputError(fmt::format("the observation has no '{}'", name));
  nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu> array;
  if (!nb::try_cast(observation[name], array, false) || array.shape(0) != rows || array.shape(1) != width)
    throw InputError(
        fmt::format("'{}' of the observation is not an array of {} rows and {} columns with the dtype of "
                    "the observation space",
                    name, rows, width));
  if constexpr (std::is_floating_point_v<T>)
    for (std::size_t i = 0; i < array.size(); ++i)
      if (!std::isfinite(array.data()[i]))
        throw InputError(fmt::format("'{}' of the observation holds {} in row {}, expected numbers", name,
                                     array.data()[i], i / width));
  return array.data();
}

// Indices in [low, count), which tables are looked up by.
template <class T>
const T* checked_indices(const T* values, std::size_t size, std::int64_t low, std::size_t count, const char* what) {
  for (std::size_t i = 0; i < size; ++i)
    if (std::int64_t{values[i]} < low || std::int64_t{values[i]} >= static_cast<std::int64_t>(count))
      throw InputError(fmt::format("{} holds {}, the policy's simulator knows {} to {}: is this the environment's?",
                                   what, values[i], low, static_cast<std::int64_t>(count) - 1));
  return values;
}

// [rows, slots] of scores; no env stands behind them, so that policies which look into one refuse.
nb::object score(const Policy& policy, const nb::dict& observation,
                 const nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>& user,
                 const nb::ndarray<const std::int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>& mask,
                 const Simulator& simulator, std::uint64_t seed, int threads) {
  const std::size_t rows = user.shape(0), slots = mask.shape(1);
  const std::size_t users = simulator.catalogue.num_users(), videos = simulator.catalogue.num_videos();
  if (mask.shape(0) != rows) throw InputError(fmt::format("{} users beside {} rows of masks", rows, mask.shape(0)));
  if (!observation.contains("history_video")) throw InputError("the observation has no 'history_video'");
  const nb::object shape = nb::object(observation["history_video"].attr("shape"));
  const std::size_t length = nb::len(shape) == 2 ? nb::cast<std::size_t>(shape[1]) : 0;  // entry() says what is wrong
  const ObservationView view{
      .rows = rows,
      .history_length = length,
      .candidates = slots,
      .user = checked_indices(user.data(), rows, 0, users, "info['user']"),
      .user_features = entry<float>(observation, "user_features", rows, kUserFeatures),
      .history_video = checked_indices(entry<std::int32_t>(observation, "history_video", rows, length), rows * length,
                                       -1, videos, "'history_video' of the observation"),
      .history_ratio = entry<float>(observation, "history_ratio", rows, length),
      .context = entry<float>(observation, "context", rows, kContextFeatures),
      .candidate = checked_indices(entry<std::int32_t>(observation, "candidate", rows, slots), rows * slots, 0, videos,
                                   "'candidate' of the observation"),
      .candidate_features = entry<float>(observation, "candidate_features", rows, slots * kVideoFeatures),
      .mask = reinterpret_cast<const std::uint8_t*>(mask.data()),
      .history_signals = entry<std::uint8_t>(observation, "history_signals", rows, length),
      .tab = entry<std::uint8_t>(observation, "tab", rows, 1),
      .hours_since = entry<float>(observation, "hours_since", rows, 1)};
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

std::shared_ptr<Policy> load(const SystemText& spec, const Simulator& simulator) {
  nb::gil_scoped_release unlocked;
  return std::const_pointer_cast<Policy>(make_policy(spec.bytes, simulator));  // Python has no const; all methods are
}

}  // namespace

void bind_policy(nb::module_& module) {
  nb::class_<Policy>(module, "Policy", "What scores candidates; swipegym.Policy is its face.")
      .def_static("load", &load, nb::arg("spec"), nb::arg("simulator"), nb::keep_alive<0, 2>())
      .def_prop_ro("name", &Policy::name)
      .def_prop_ro("head", &Policy::head)
      .def_prop_ro("temperature", &Policy::temperature)
      .def_prop_ro("history_length", &Policy::history_length)
      .def_prop_ro("scores_are_random", &Policy::scores_are_random)
      .def("score", &score, nb::arg("observation"), nb::arg("user"), nb::arg("mask"), nb::arg("simulator"),
           nb::arg("seed"), nb::arg("threads"));
}

}  // namespace swipegym::python
