#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/studies/convergence.h"

namespace swipegym {

struct MeasuredBaseline {
  std::string name;
  std::vector<float> rewards;  // [sessions]
  double recall = 1.0;         // of an oracle with a shortlist: how often the best video stands on it
};

/// Everything a convergence study measured, from which its tables are made.
struct ConvergenceMeasurements {
  ConvergenceConfig config{};
  std::size_t num_videos = 0;
  std::vector<std::pair<Cell, CellResult>> cells{};
  std::map<std::size_t, std::vector<MeasuredBaseline>> baselines{};  // by size; random, popularity, oracle are there
};

ConvergenceReport convergence_figures(const ConvergenceMeasurements& measured, const std::vector<std::string>& agents,
                                      int threads);

/// Env steps at which a curve of (steps, normalised reward) first reaches 80 % of its plateau, the mean of its last
/// fifth, between points by straight lines from (0, 0); 0 when the plateau is not above 0.
double steps_to_80(const std::vector<std::pair<double, double>>& curve);

/// Random's mean reward on a size, and what the oracle earns above it on the sessions both played.
std::pair<double, double> baseline_scale(const ConvergenceMeasurements& measured, std::size_t size);

std::string curves_csv(const ConvergenceMeasurements& measured);
std::string table_csv(const ConvergenceReport& report);
std::string baselines_csv(const ConvergenceReport& report);
std::string slopes_csv(const ConvergenceReport& report);

}  // namespace swipegym
