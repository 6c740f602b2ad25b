#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "evaluation/platform/season.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Seasons of several policies over several worlds. A world is drawn by its seed, the same one for every policy.
struct PlatformStudy {
  SeasonConfig config;
  struct Named {
    std::string name, word;  // of the table, and as season_policy() reads it
  };
  std::vector<Named> policies;
  std::string split;  // a policy's word: it serves half of the users of every season; empty: none
  std::size_t seeds = 3;
  std::uint64_t seed = 1;           // of the first world; the others follow
  std::filesystem::path folder;     // of work: runs/ has a file for each season, checkpointed daily until it is over
  const Dataset* logged = nullptr;  // the data behind the simulator: logs/ gets a release for each season; null: none
  int threads = 0;
  Progress progress{};
};

/// What the seasons came to.
struct PlatformReport {
  SeasonConfig config;
  struct Line {
    std::string name;
    std::vector<std::vector<DayMeasures>> seed;  // [seeds][days]
    std::uint64_t videos = 0;                    // shown, over all seeds
  };
  std::vector<Line> lines;
  std::uint64_t first_seed = 1;
};

/// What a study takes of memory beside its simulator.
MemoryBudget platform_memory(const Simulator& base, const PlatformStudy& study);

/// Plays what is not in the folder yet. Results depend neither on threads nor on interruptions. InputError for settings
/// that make no sense, and for a folder that holds other seasons.
PlatformReport run_platform(std::shared_ptr<const Simulator> base, const PlatformStudy& study);

}  // namespace swipegym
