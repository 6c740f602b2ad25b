#pragma once

#include <filesystem>

#include "env/simulator.h"

namespace swipegym {

inline constexpr std::int64_t kSimulatorSchema = 4;

/// Writes a fitted simulator as HDF5 of kind "simulator", whole or not at all. Throws InputError when its model is not
/// a FittedUserModel.
void save_simulator(const Simulator& simulator, const std::filesystem::path& path);

/// Reads one back; its model runs on `clock`. Throws InputError when the file is no simulator of this version.
Simulator load_simulator(const std::filesystem::path& path, Clock clock = Clock::kDense);

}  // namespace swipegym
