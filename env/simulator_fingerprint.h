#pragma once

#include <cstdint>

#include "env/simulator.h"

namespace swipegym {

/// Equal for simulators with the same users and videos that answer alike: of the ids and features, the session starts,
/// the settings (but not where the data lay), and what the model expects of 64 starts, which tells apart two fits and
/// two clocks. Takes milliseconds; of one build only, as all results are.
std::uint64_t simulator_fingerprint(const Simulator& simulator);

}  // namespace swipegym
