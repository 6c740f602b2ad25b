#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "env/candidate_source.h"
#include "env/vector_env.h"
#include "policy/select.h"

namespace swipegym::cli {

/// The options of commands that let a policy act: what it is offered, how long, for which reward.
struct EnvSettings {
  std::size_t candidates = 10;
  std::string source = "random";
  std::size_t history = 50;
  std::size_t slate = 1;
  int max_steps = 100;
  std::vector<std::string> reward = {"watch_s=1"};
  float epsilon = 0.0F;
  std::string temperature = "own";  // or a number, at least 0
};

void add_env_options(Options& options, EnvSettings& settings);
/// --reward, --epsilon and --temperature of these alone.
void add_choice_options(Options& options, EnvSettings& settings);
/// Throw InputError for a reward that names nothing, a temperature that is none, or both kinds of exploration at once.
VectorEnvConfig env_config(const EnvSettings& settings, int threads);
Exploration exploration(const EnvSettings& settings);
std::shared_ptr<const CandidateSource> candidate_source(const EnvSettings& settings,
                                                        std::shared_ptr<const Simulator> simulator, std::uint64_t seed);
Json env_json(const EnvSettings& settings);

/// The settings a simulator was fitted with; an empty object when it says nothing.
Json fit_settings(const Simulator& simulator);
/// The data it was fitted to, as remember_data() noted; empty when it says nothing.
std::filesystem::path fitted_data(const Simulator& simulator);

/// "dense clock: 30 videos a session under the logged policy, an assumption", or what else the simulator's fit says.
std::string clock_note(const Simulator& simulator);

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
