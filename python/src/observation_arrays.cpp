#include "python/src/observation_arrays.h"

namespace nb = nanobind;

namespace swipegym::python {

nb::dict observation_arrays(ObservationBuffers& o, nb::handle owner) {
  nb::dict out;
  const std::size_t n = o.rows, length = o.history_length, m = o.candidates;
  out["user_features"] = array(o.user_features, {n, kUserFeatures}, owner);
  out["history_video"] = array(o.history_video, {n, length}, owner);
  out["history_ratio"] = array(o.history_ratio, {n, length}, owner);
  out["history_signals"] = array(o.history_signals, {n, length}, owner);
  out["context"] = array(o.context, {n, kContextFeatures}, owner);
  out["tab"] = array(o.tab, {n, 1}, owner);
  out["hours_since"] = array(o.hours_since, {n, 1}, owner);
  if (m > 0) {
    out["candidate"] = array(o.candidate, {n, m}, owner);
    out["candidate_features"] = array(o.candidate_features, {n, m * kVideoFeatures}, owner);
  }
  return out;
}

nb::dict information_arrays(ObservationBuffers& o, nb::handle owner) {
  nb::dict out;
  out["user"] = array(o.user, {o.rows}, owner);
  if (o.candidates > 0)
    out["action_mask"] = nb::cast(nb::ndarray<nb::numpy, std::int8_t>(reinterpret_cast<std::int8_t*>(o.mask.data()),
                                                                      {o.rows, o.candidates}, owner));
  return out;
}

}  // namespace swipegym::python
