#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/metrics/bootstrap.h"
#include "evaluation/studies/convergence_cell.h"

namespace swipegym {

/// How Q-learning converges as the action space shrinks: the same DQN trained on action spaces of several sizes,
/// several seeds each, measured on the same sessions and normalised by what random choice and the one-step oracle earn
/// there.
struct ConvergenceStudy {
  std::vector<std::size_t> sizes;  // ascending; one of at least the number of videos stands for all of them
  std::vector<std::string> agents = convergence_agents();
  std::size_t seeds = 5;  // training seeds 1, 2, ...
  ConvergenceConfig config{};
  std::filesystem::path folder;  // cells/ is filled as trainings end, and read again when the study is resumed
  int threads = 0;
  Progress progress{};
};

/// The CSV files that a study puts into its folder at the end.
inline constexpr const char* kConvergenceTables[] = {"curves.csv", "table.csv", "baselines.csv", "slopes.csv"};

/// A policy that is not trained here, on every size: random, popularity and the one-step oracle always are.
struct Baseline {
  std::string name;
  std::shared_ptr<const Policy> policy;
};

/// An agent on a size, over its seeds.
struct ConvergenceRow {
  std::size_t size = 0;
  std::string agent;
  Interval reward;            // a session at the end of training, in the reward's unit
  Interval normalised;        // (reward - random's) / (one-step oracle's - random's)
  Interval above_popularity;  // reward - popularity's, session by session
  double steps_to_80 =
      0.0;  // env steps to 80 % of the normalised plateau, geometric mean over the seeds that got there
  std::size_t reached_80 = 0;  // how many did
  bool converged = false;  // the last fifth of evaluations is level, and seeds differ by less than 10 % of the plateau
  std::size_t diverged = 0;      // seeds whose loss or value is not finite, or whose promise is 10 times any return
  double over_estimation = 0.0;  // promised - realised discounted return, mean over seeds
  double realised = 0.0;         // that return
  double largest = 0.0;          // |Q|
  double loss = 0.0, gradient_norm = 0.0;  // of the last stretch
  double visits_gini = 0.0, tried = 0.0;
  double seconds = 0.0;                       // a training
  double steps_per_s = 0.0, update_ms = 0.0;  // env steps; a step's acting and learning, a update's share of both
  double replay_mb = 0.0, network_mb = 0.0;
};

struct BaselineRow {
  std::size_t size = 0;
  std::string policy;
  Interval reward, normalised;
  double recall = 1.0;  // below 1: an oracle that asks about a shortlist, and how often the best video stands on it
};

/// A straight line through log10(size), with an interval from resampling seeds.
struct ConvergenceSlope {
  std::string agent, figure;
  Interval slope;  // of the figure for ten times the size; log10 of the figure for steps
  std::size_t sizes = 0;
};

struct ConvergenceReport {
  std::vector<ConvergenceRow> rows;
  std::vector<BaselineRow> baselines;
  std::vector<ConvergenceSlope> slopes;
};

/// Runs what is missing in the folder, then makes the tables. Throws InputError for settings that make no sense, and
/// when the folder holds cells of another simulator or other settings.
ConvergenceReport run_convergence(std::shared_ptr<const Simulator> simulator, const ConvergenceStudy& study,
                                  const std::vector<Baseline>& baselines);

Json to_json(const ConvergenceReport& report);
std::string to_text(const ConvergenceReport& report);

}  // namespace swipegym
