#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "evaluation/metrics/bootstrap.h"
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

/// The mean of a measure over days [from, to) of each world, [seeds]; days where it is NaN are left out.
std::vector<double> season_means(const PlatformReport::Line& line, double DayMeasures::*measure, int from, int to);
/// Over worlds, by Student's t; of a difference, pair by pair.
Interval over_worlds(const std::vector<double>& values);
std::vector<double> paired_difference(const std::vector<double>& a, const std::vector<double>& b);

/// A table by policy of the days behind the burn-in: figures with half a 95 % interval, and the paired difference in
/// seconds from the first policy. At most 100 columns.
std::string platform_table(const PlatformReport& report);
/// Of seasons that were split: seconds a user-day on both sides, and their difference within each world.
std::string split_table(const PlatformReport& report);
/// policy, seed, day and all measures.
std::string platform_csv(const PlatformReport& report);
Json platform_json(const PlatformReport& report);
/// One page with a curve a measure, self-contained.
std::string platform_page(const PlatformReport& report, const std::string& title,
                          const std::vector<std::string>& notes);

}  // namespace swipegym
