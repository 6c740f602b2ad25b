#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/config.h"

namespace swipegym {

/// What a search may vary: a file of configs/search/, say
///
///   {"objective": "auc",
///    "ranges": {"learning_rate": {"log": [1e-4, 1e-2]}, "factors": {"choice": [8, 16, 32]},
///               "network.width": {"integer": [16, 64]}, "weight_decay": {"uniform": [0, 1]}}}
///
/// A dot leads into nested settings. The objective, higher is better, is "auc" or "gauc" of the binary task on the
/// validation days, or "validation_metric": what the model itself stops by.
struct SearchSpace {
  struct Range {
    std::string setting;
    enum class Kind : std::uint8_t { kUniform, kLog, kInteger, kChoice } kind = Kind::kUniform;
    double low = 0.0, high = 0.0;
    std::vector<Json> choices;
  };
  std::string objective = "auc";
  std::vector<Range> ranges;
};

/// Throws InputError naming the range that makes no sense.
SearchSpace read_search_space(const std::filesystem::path& path);

/// `base` with one range at one of its ends, or one choice, each: settings that a trial may come to be.
std::vector<Json> edges_of(const SearchSpace& space, const Json& base);

struct SearchTrial {
  int trial = 0;            // from 0: trial 0 are the settings one begins with, so that a search never ends below them
  Json settings;            // whole
  std::vector<Json> drawn;  // of each range
  double objective = 0.0;   // NaN: it failed, `failure` says how
  double seconds = 0.0;
  std::string failure;
};

/// The settings of a trial: `base` for trial 0, else with every range drawn anew from (seed, trial). Throws InputError
/// for a setting that `base` does not have.
Json draw_trial(const SearchSpace& space, const Json& base, std::uint64_t seed, int trial, std::vector<Json>& drawn);

/// Runs `trials` trials, several at a time on `threads` workers; `judge` returns the objective and is called from
/// several threads. The result does not depend on the number of threads.
std::vector<SearchTrial> random_search(const SearchSpace& space, const Json& base, int trials, std::uint64_t seed,
                                       int threads, const std::function<double(const Json& settings)>& judge);

/// The best trial; the first one among equals. Throws InputError when all failed.
const SearchTrial& best_trial(const std::vector<SearchTrial>& trials);

/// trial, objective, seconds, each range's setting, failure: one line a trial.
std::string trials_csv(const SearchSpace& space, const std::vector<SearchTrial>& trials);

}  // namespace swipegym
