#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/dqn/dqn_config.h"
#include "agents/tabular/tabular_q_learning.h"
#include "core/progress.h"
#include "core/range.h"
#include "env/tabular/reduce_simulator.h"
#include "env/tabular/tabular_simulator.h"
#include "evaluation/metrics/bootstrap.h"
#include "policy/policy.h"

namespace swipegym {

/// A DQN's settings for a reduced world: the state is the user and the last video, so that is what the network is
/// given.
DqnConfig reduced_world_dqn();
/// The same for 8 million steps. What a DQN lacks in this world is samples: with these every seed finds one policy, of
/// .991 of the optimum; 400,000 steps come to .976 to .981.
DqnConfig measured_dqn();

/// Settings of `tabular`; a JSON file may set any of them by name.
struct ExactnessConfig {
  ReductionConfig reduction;
  double discount = 0.9;
  std::int64_t sweeps = 2'000'000;  // of tabular Q-learning, each one outcome of every (state, action)
  int points_per_decade = 10;       // of the curves
  DqnConfig dqn = measured_dqn();   // candidates, slots, discount and reward follow from the world
};

template <class Visitor>
void visit_fields(Visitor& visit, ExactnessConfig& config) {
  visit("reduction", config.reduction);
  visit("discount", config.discount, between(0, 0.9999));
  visit("sweeps", config.sweeps, between(10, 1'000'000'000'000));
  visit("points_per_decade", config.points_per_decade, between(2, 1'000));
  visit("dqn", config.dqn);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const ExactnessConfig& config);

struct ExactnessRun {
  std::uint64_t seed = 1;
  int q_seeds = 20;   // runs of tabular Q-learning, and of double Q-learning
  int dqn_seeds = 5;  // DQNs; 0: none
  int threads = 0;    // 0: all; never changes a result
  Progress progress{};
};

/// What a policy attains, all figures exact: solutions of linear systems, not averages of sessions.
struct ExactValue {
  std::string name;
  double value = 0.0;      // seconds, discounted, where sessions begin
  double agreement = 1.0;  // mean over states of the share of decisions that are the state's usual one: below 1 when
                           // an agent looks at more than the state
};

/// Runs of one learner on the tables.
struct QLearningRuns {
  std::vector<std::vector<TabularQPoint>> curves;  // [seeds][points], all at the same sweeps
  Interval slope;        // of log mean error against log sweeps over the last decade, interval over seeds
  Interval final_error;  // mean over seeds, with a bootstrap interval
  double worst_final = 0.0;
};

struct Exactness {
  Reduction reduction;
  TabularMdp mdp;
  SolvedMdp solved;
  double value_range = 0.0;          // largest Q* less the smallest
  QLearningRuns single, twice;       // Q-learning and double Q-learning
  std::vector<ExactValue> policies;  // optimal, tabular, myopic (discount 0), uniform
  std::vector<ExactValue> dqn;       // one a seed
};

/// How often a policy's greedy choice is each action in each state, [states, actions], over `steps` decisions in
/// sessions steered by uniform choices. States that were never met get the worst action by `q`.
std::vector<double> choices_in_states(const Policy& policy, const TabularSimulator& tabular, std::size_t history_length,
                                      std::span<const double> q, std::int64_t steps, std::uint64_t seed);

/// Fits slope and final error to curves; see QLearningRuns.
QLearningRuns summarise(std::vector<std::vector<TabularQPoint>> curves, RandomKey key);

/// Trains a DQN in a tabular world by the ordinary learner and environment.
std::shared_ptr<const Policy> train_reduced_dqn(const TabularSimulator& tabular, const DqnConfig& config,
                                                std::uint64_t seed, int threads, const Progress& progress = {});

/// Reduces a simulator, solves it, and measures learners against the solution.
Exactness measure_exactness(std::shared_ptr<const Simulator> simulator, const ExactnessConfig& config,
                            const ExactnessRun& run);

}  // namespace swipegym
