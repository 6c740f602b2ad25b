#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/random.h"
#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// Logged trajectories (sessions) as plain arrays; the steps of trajectory i are [offset[i], offset[i + 1]).
struct LoggedTrajectories {
  std::vector<std::size_t> offset = {0};  // [trajectories + 1]
  std::vector<double> reward;             // [steps]
  std::vector<double> weight;             // [steps] pi_e(a_t | s_t) / pi_b(a_t | s_t)
  std::vector<double> q_logged;           // [steps] Q^(s_t, a_t) of the judged policy; empty: no model, 0 everywhere
  std::vector<double> q_policy;           // [steps] V^(s_t) = sum over actions of pi_e Q^; empty likewise
  std::vector<std::uint32_t> user;        // [trajectories]

  std::size_t size() const noexcept { return offset.size() - 1; }
};

/// Throws InputError for arrays that do not fit together, an empty log, or a number that is none.
void check(const LoggedTrajectories& log);

inline constexpr std::size_t kWholePast = std::numeric_limits<std::size_t>::max();

struct SequenceSettings {
  double discount = 1.0;            // in [0, 1]
  std::size_t window = kWholePast;  // earlier steps whose weights enter a step's product; 0: the step's own weight
                                    // only, which leaves the states to the logging policy (as TSCAC's evaluation does)
};

/// Per-decision importance sampling (Precup, Sutton & Singh, "Eligibility traces for off-policy policy evaluation",
/// ICML 2000): each trajectory's sum over t of discount^t (product of the weights up to t) r_t, whose mean is the
/// estimate.
std::vector<double> per_decision_returns(const LoggedTrajectories& log, const SequenceSettings& settings);

/// Its weighted form: the products of a step are divided by their sum over all trajectories instead of their number. A
/// trajectory that ended keeps its last product, as one that stays where nothing is earned. NaN when all products of a
/// step that earned something are 0.
double weighted_per_decision(const LoggedTrajectories& log, const SequenceSettings& settings);

/// The doubly robust recursion V_t = V^(s_t) + w_t (r_t + discount V_{t + 1} - Q^(s_t, a_t)) (Jiang & Li, "Doubly
/// robust off-policy value evaluation for reinforcement learning", ICML 2016): each trajectory's V_0, whose mean is the
/// estimate.
std::vector<double> doubly_robust_returns(const LoggedTrajectories& log, double discount);

/// Each trajectory's V^(s_0), whose mean is what a model alone says (FQE's estimate).
std::vector<double> model_returns(const LoggedTrajectories& log);

/// Estimates of the judged policy's return a trajectory, with 95 % intervals by a studentised bootstrap over users.
struct SequenceEstimates {
  Interval per_decision, weighted, doubly_robust, model;  // doubly_robust and model are NaN without Q^
};
SequenceEstimates estimate_sequences(const LoggedTrajectories& log, const SequenceSettings& settings, RandomKey key,
                                     const BootstrapOptions& options = {});

}  // namespace swipegym
