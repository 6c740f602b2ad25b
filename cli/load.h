#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/command.h"
#include "env/fitted/fitted_user_model.h"
#include "env/simulator.h"
#include "sim_data/dataset.h"

namespace swipegym::cli {

/// Loads logs on the run's threads under its progress bar, and says in a note what was read, dropped and unusual.
/// `called`: what the note calls them where `path` is a name for the time being; empty: `path`.
LoadedDataset load_data(const Run& run, const std::filesystem::path& path, LoadOptions options = {},
                        const std::filesystem::path& called = {});

/// Reads a simulator file, on the clock named "log" or "dense"; or, given the folder of a synthetic release, the truth
/// that made it, whose sessions are as long as its log's. Throws InputError when an output of the run would replace the
/// data that the simulator was fitted to. A word that whoever runs the program brought a simulator for is that one.
std::shared_ptr<const Simulator> load_simulator_file(const Run& run, const std::filesystem::path& path,
                                                     const std::string& clock = "dense");

/// The model of a simulator from a file. Throws InputError for a simulator of another kind.
const FittedUserModel& fitted_model(const Simulator& simulator);

}  // namespace swipegym::cli
