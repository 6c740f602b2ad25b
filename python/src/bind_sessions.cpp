#include <fmt/format.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "core/error.h"
#include "evaluation/compare/play_sessions.h"
#include "python/src/bindings.h"
#include "python/src/python_candidates.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

template <class T, class Of>
nb::object column(const std::vector<SessionResult>& sessions, const Of& of) {
  std::vector<T> values;
  values.reserve(sessions.size());
  for (const SessionResult& session : sessions) values.push_back(of(session));
  return owned_column(std::move(values));
}

nb::dict play(std::shared_ptr<Simulator> simulator, const Policy& policy, const PythonWorld& world,
              const Exploration& exploration, std::size_t sessions, std::uint64_t seed, std::size_t first_session,
              int threads) {
  PlayedSessions played;
  {
    nb::gil_scoped_release unlocked;
    played = play_sessions(simulator, world.candidates(simulator, 0, threads), policy,
                           {.sessions = sessions,
                            .seed = seed,
                            .first_session = first_session,
                            .world = world.config,
                            .engine = {.threads = threads},
                            .exploration = exploration},
                           interruptible());
  }
  nb::dict out;
  using S = SessionResult;
  out["reward"] = column<float>(played.session, [](const S& s) { return s.reward; });
  out["watch_s"] = column<float>(played.session, [](const S& s) { return s.watch_s; });
  out["watch_ratio"] = column<float>(played.session, [](const S& s) { return s.watch_ratio; });
  out["videos"] = column<std::uint32_t>(played.session, [](const S& s) { return s.videos; });
  out["gap_h"] = column<float>(played.session, [](const S& s) { return s.gap_h; });
  for (std::size_t i = 0; i < kNumSignals; ++i)
    out[nb::cast(std::string(kSignalNames[i]))] =
        column<std::uint16_t>(played.session, [i](const S& s) { return s.signals[i]; });
  return out;
}

nb::object seeds_of(std::uint64_t seed, std::size_t sessions, std::size_t first_session) {
  std::vector<std::uint64_t> out(sessions);
  for (std::size_t i = 0; i < sessions; ++i) out[i] = session_seed(seed, 0, first_session + i);
  return owned_column(std::move(out));
}

// [rows, slots]: how likely each slot is chosen.
nb::object probabilities(const Policy& policy,
                         const nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>& scores,
                         const nb::ndarray<const std::int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>& mask,
                         const Exploration& exploration) {
  const std::size_t rows = scores.shape(0), slots = scores.shape(1);
  if (mask.shape(0) != rows || mask.shape(1) != slots)
    throw InputError(fmt::format("{} x {} scores beside {} x {} masks", rows, slots, mask.shape(0), mask.shape(1)));
  const Exploration how = resolved(exploration, policy);
  std::vector<double> out(rows * slots);
  for (std::size_t row = 0; row < rows; ++row)
    selection_probabilities(std::span(scores.data(), rows * slots).subspan(row * slots, slots),
                            {reinterpret_cast<const std::uint8_t*>(mask.data()) + row * slots, slots}, how,
                            policy.scores_are_random(), std::span(out).subspan(row * slots, slots));
  return owned_array(std::move(out), {rows, slots});
}

}  // namespace

void bind_sessions(nb::module_& module) {
  module.def("play", &play, nb::arg("simulator"), nb::arg("policy"), nb::arg("world"), nb::arg("exploration"),
             nb::arg("sessions"), nb::arg("seed"), nb::arg("first_session"), nb::arg("threads"),
             "One column a figure, one row a session.");
  module.def("probabilities", &probabilities, nb::arg("policy"), nb::arg("scores"), nb::arg("mask"),
             nb::arg("exploration"), "[rows, slots] float64: the chance of each slot; 0 for masked ones.");
  module.def("session_seeds", &seeds_of, nb::arg("seed"), nb::arg("sessions"), nb::arg("first_session") = 0,
             "[sessions] uint64: the seeds of play()'s sessions, for whoever plays them otherwise.");
}

}  // namespace swipegym::python
