#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "env/simulator.h"

namespace swipegym {

/// What the config of a simulator says of its making that is asked for later; what it does not say is left empty.
struct FitNotes {
  std::optional<double> mean_session_videos;  // on the dense clock; 0: as the log has it
  std::optional<std::int32_t> until;          // yyyymmdd, the last day fitted
  std::string data;                           // the path of the data
};

/// Throws InputError that names the key when the config is no JSON object, or says one of these in another type or out
/// of its range. An empty config says nothing.
FitNotes fit_notes(const Simulator& simulator);

}  // namespace swipegym
