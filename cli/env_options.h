#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "env/fitted/exposure_shift.h"
#include "policy/select.h"
#include "policy/world.h"

namespace swipegym::cli {

/// The options of commands that let a policy act: the world it is in, and how it chooses.
struct ActSettings {
  WorldConfig world;
  float epsilon = 0.0F;
  std::string temperature = "own";  // or a number, at least 0
};

void add_world_options(Options& options, WorldConfig& world);
/// --reward, --epsilon and --temperature.
void add_choice_options(Options& options, ActSettings& settings);
/// All of them.
void add_act_options(Options& options, ActSettings& settings);
/// Throws InputError for both kinds of exploration at once.
Exploration exploration(const ActSettings& settings);
Json act_json(const ActSettings& settings);

/// The data it was fitted to, as remember_data() noted; empty when it says nothing.
std::filesystem::path fitted_data(const Simulator& simulator);

/// "dense clock: 30 videos a session under the logged policy, an assumption", or what else the simulator's fit says.
/// Empty on another clock.
std::string clock_note(const Simulator& simulator, const std::string& clock = "dense");

/// Two lines, the second of them behind `indent`: how much of a fit's interventional response comes from random rows
/// and how much from the prior.
std::string exposure_note(const ExposureEvidence& evidence, std::string_view indent);

/// Notes in a fitted simulator where its data lies, so that commands that need its rows or tables find them untold.
void remember_data(Simulator& simulator, const std::filesystem::path& data);

/// The rows and tables a simulator was fitted on: those at `path`, or when that is empty where the fit read them.
/// Throws InputError when they are not there, or are not the same.
LoadedDataset load_fitted_data(const Run& run, const Simulator& simulator, const std::filesystem::path& path);

/// The last day a simulator was fitted on.
std::int32_t fitted_until(const Simulator& simulator);

/// The law behind the synthetic data that a simulator was fitted on, as a world to step in: its sessions as long as the
/// log's (clock "log"), or as long as the fitted simulator's dense clock assumes. Throws InputError for a simulator
/// fitted on real rows, whose truth nobody knows.
std::shared_ptr<const Simulator> truth_behind(const Simulator& fitted, const Dataset& data, const std::string& clock,
                                              int threads);

}  // namespace swipegym::cli
