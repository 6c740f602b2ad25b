#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/progress.h"
#include "env/vector_env.h"
#include "evaluation/off_policy/estimators.h"
#include "evaluation/off_policy/linear_model.h"
#include "evaluation/off_policy/logged_candidates.h"
#include "evaluation/off_policy/logged_choices.h"
#include "policy/policy.h"
#include "policy/select.h"

namespace swipegym {

/// How a policy is judged by logged rows.
struct JudgeSettings {
  std::size_t slots = 10;  // m, candidates of a set
  std::size_t draws = 1;   // sets asked of CandidatesOf a row; their weights are averaged
  Exploration exploration{};
  RewardWeights reward{};
  /// The propensity of a row given its candidates: 1 / m (uniform rows), or what the log says.
  bool uniform = true;
  int threads = 0;
  Progress progress{};
};

/// What the estimators need of the rows; q^ is filled in by add_model().
struct JudgedRows {
  std::vector<OffPolicyRow> row;  // weight: mean over the draws of pi_e(a | x, C) / pi_b(a | x, C)
  LinearRows linear;              // continues: the next of `rows` goes on with the session (same user, 30 minutes)
};

/// The reward of a logged row; a row of unknown duration has its ratio by the catalogue's.
double logged_reward(const Log& log, std::size_t row, const Catalogue& catalogue, const RewardWeights& weights);

/// Lets `policy` choose in the states of logged rows (LoggedStates of its own history length), among the candidates
/// named. `rows` are in the order of the log. Results depend on neither threads nor the other rows. Throws InputError
/// for a row without a propensity where it is needed, and for a policy that cannot act by a log.
JudgedRows judge_rows(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                      std::span<const std::uint32_t> rows, const CandidatesOf& candidates,
                      const JudgeSettings& settings);

struct TableSettings {
  LinearFit fit{};
  double ncis_cap = 10.0;  // as TSCAC's evaluation has it
  bool replay = false;     // worth a line for deterministic policies and one draw a row
  BootstrapOptions bootstrap{};
};

/// What the logging policy itself earned ("logged"), then every one-step estimator, with intervals: names as
/// estimator_infos() has them, "mrdr", and those with a lambda at the one SLOPE prefers ("ips" itself unbounded,
/// "ips_slope" bounded).
std::vector<OffPolicyEstimate> one_step_table(const JudgedRows& judged, const TableSettings& settings, RandomKey key);

}  // namespace swipegym
