#include "python/src/observation_input.h"

#include <fmt/format.h>
#include <nanobind/ndarray.h>

#include <cmath>
#include <type_traits>

#include "core/error.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// An entry of an observation as the engine reads it: [rows, width] of T.
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

template <class T>
void check_known(std::span<const T> values, std::int64_t low, std::size_t count, const char* what) {
  for (const T value : values)
    if (std::int64_t{value} < low || std::int64_t{value} >= static_cast<std::int64_t>(count))
      throw InputError(fmt::format("{} holds {}, the policy's simulator knows {} to {}: is this the environment's?",
                                   what, value, low, static_cast<std::int64_t>(count) - 1));
}

}  // namespace

void check_indices(std::span<const std::int32_t> values, std::int64_t low, std::size_t count, const char* what) {
  check_known(values, low, count, what);
}
void check_indices(std::span<const std::uint32_t> values, std::int64_t low, std::size_t count, const char* what) {
  check_known(values, low, count, what);
}

ObservationView observation_input(const nb::dict& observation, const Catalogue& catalogue, std::size_t rows,
                                  std::size_t slots) {
  if (!observation.contains("history_video")) throw InputError("the observation has no 'history_video'");
  const nb::object shape = nb::object(observation["history_video"].attr("shape"));
  const std::size_t length = nb::len(shape) == 2 ? nb::cast<std::size_t>(shape[1]) : 0;  // entry() says what is wrong
  const ObservationView view{
      .rows = rows,
      .history_length = length,
      .candidates = slots,
      .user_features = entry<float>(observation, "user_features", rows, kUserFeatures),
      .history_video = entry<std::int32_t>(observation, "history_video", rows, length),
      .history_ratio = entry<float>(observation, "history_ratio", rows, length),
      .context = entry<float>(observation, "context", rows, kContextFeatures),
      .candidate = entry<std::int32_t>(observation, "candidate", rows, slots),
      .candidate_features = entry<float>(observation, "candidate_features", rows, slots * kVideoFeatures),
      .history_signals = entry<std::uint8_t>(observation, "history_signals", rows, length),
      .tab = entry<std::uint8_t>(observation, "tab", rows, 1),
      .hours_since = entry<float>(observation, "hours_since", rows, 1)};
  const std::size_t videos = catalogue.num_videos();
  check_indices(std::span(view.history_video, rows * length), -1, videos, "'history_video' of the observation");
  check_indices(std::span(view.candidate, rows * slots), 0, videos, "'candidate' of the observation");
  return view;
}

}  // namespace swipegym::python
