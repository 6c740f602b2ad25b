#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "env/tabular/tabular_mdp.h"

namespace swipegym {

struct TabularQLearning {
  std::int64_t sweeps = 1'000'000;  // each draws one outcome of every (state, action)
  int points_per_decade = 10;       // of sweeps at which the curve is written down
  bool double_q = false;
};

/// How far a table is from Q* after some sweeps.
struct TabularQPoint {
  std::int64_t sweeps = 0;
  double error = 0.0;  // max over pairs of |Q - Q*|
  double bias = 0.0;   // mean over states of what the learner takes a state to be worth, less V*
};

struct LearnedTable {
  std::vector<double> q;  // [states, actions]
  std::vector<TabularQPoint> curve;
};

/// Synchronous Q-learning with a generative model: every sweep draws one outcome (r, s') of every pair and moves
///   Q(s, a) += step * (r + discount * max Q(s', .) - Q(s, a)),   step = 1 / (1 + (1 - discount) n)
/// in the n-th sweep (the rescaled linear step of Wainwright, "Stochastic approximation with cone-contractive
/// operators", 2019), for which the error falls as n^-1/2.
///
/// Double Q-learning (van Hasselt 2010) keeps two tables; a coin chooses the one that learns in a sweep, and the other
/// values its choice. Its `q` is their mean, its estimate of a state the one table's value of the other's choice.
///
/// Depends on the process, the settings and the seed alone. `optimal` is Q*.
LearnedTable learn_tabular_q(const TabularMdp& mdp, std::span<const double> optimal, const TabularQLearning& settings,
                             std::uint64_t seed);

}  // namespace swipegym
