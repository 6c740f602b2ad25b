#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/memory_budget.h"
#include "evaluation/compare/expected_choices.h"
#include "evaluation/compare/play_sessions.h"
#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// A name in the table. A learned policy brings one object a training seed; the others bring one.
struct ComparedPolicy {
  std::string name;
  std::vector<std::shared_ptr<const Policy>> seeds;
};

/// A world policies are scored in. The first one compared is the one they were made for, the others judge.
struct ComparedSimulator {
  std::string name;
  std::shared_ptr<const Simulator> simulator;
};

struct CompareConfig {
  std::size_t sessions = 1000;  // of each evaluation seed
  std::size_t seeds = 5;        // evaluation seeds
  std::uint64_t seed = 1;
  WorldConfig world{};
  /// Makes candidates in the place of the world's own source, for each simulator; empty: that.
  std::function<std::shared_ptr<const CandidateSource>(const std::shared_ptr<const Simulator>&, std::size_t slots)>
      source{};
  VectorEnvConfig engine{};      // threads, and what else no world says
  std::size_t resamples = 1000;  // of the bootstrap
  std::string versus{};          // a policy whose return is taken from the others', paired; empty: none
  Exploration exploration{};
  bool expected = false;  // also judge choices by expectations (expected_choices)
  bool oracle = true;     // play the one-step oracle; without it no share of the way is known. It asks for every video
};

/// A column of the table. Figures are ratios of sums over sessions, so that long sessions count by their videos.
struct MetricInfo {
  std::string_view name;   // the JSON key
  std::string_view title;  // for people, with its unit
};
/// watch_s_per_session, watch_s_per_video, watch_ratio_per_session, watch_ratio_per_video, depth, the eight signals (a
/// shown video), reward (a session), tag_entropy, returns_in_day, gap_h (a session), catalogue_share, author_gini.
const std::vector<MetricInfo>& compare_metrics();
/// The position of a metric in the list; throws std::out_of_range.
std::size_t metric_index(std::string_view name);

/// A mean over sessions that a posterior's members answered, one each: how far it may be off since the members
/// disagree, and since sessions differ. Deviations, by the analysis of variance with random effects.
struct Disagreement {
  double members = 0.0;   // of a member's mean around that of all
  double sessions = 0.0;  // of the mean over all sessions, were there one member alone
};
/// values: one a session; member: which of `members` answered it. NaN where fewer than two have two sessions.
Disagreement disagreement(const std::vector<float>& values, const std::vector<std::uint32_t>& member,
                          std::size_t members);

struct PolicyFigures {
  std::string name;
  std::size_t training_seeds = 1;
  std::vector<Interval> metric;  // in the order of compare_metrics()
  Interval normalised;           // (reward - random's) / (one-step oracle's - random's), both of this simulator
  Interval versus_random;        // reward - random's, paired
  Interval versus;               // reward - that of CompareConfig::versus, paired; 0 without one
  ExpectedFigures expected;      // with CompareConfig::expected
  Disagreement reward_members, versus_random_members;  // of a simulator with members; else 0
};

struct SimulatorFigures {
  std::string name;
  std::size_t members = 1;  // of its user model
  std::vector<PolicyFigures> policy;
  Interval random, oracle;  // rewards of the two baselines here; NaN for an oracle that was not played
  Interval expected_random, expected_oracle;  // of a choice, with CompareConfig::expected
};

/// Positions of the policies, from the highest return to the lowest.
std::vector<std::size_t> best_first(const SimulatorFigures& simulator);

/// What a judge makes of the first simulator's opinion.
struct Agreement {
  std::string judge;
  std::vector<Interval> gap;  // [policies] reward in the first simulator - reward in the judge
  Interval kendall_tau;       // of the policies' rewards
  std::string choice, best;   // the best policy of the first simulator, and of the judge
  Interval regret;            // (judge's reward of best - of choice) / (of best - of random)
};

struct CompareReport {
  CompareConfig config;
  std::vector<SimulatorFigures> simulator;
  std::vector<Agreement> agreement;  // one a judge
};

/// What compare() takes of memory beside the simulators; it throws InputError when that is more than memory_limit().
MemoryBudget compare_memory(const std::vector<ComparedPolicy>& policies,
                            const std::vector<ComparedSimulator>& simulators, const CompareConfig& config);

/// Scores every policy in every simulator on common random numbers. Intervals are hierarchical: training seed, then
/// session (see bootstrap). Throws InputError when names repeat, or when a judge has another catalogue than the first
/// simulator (video indices would mean other videos), or when `versus` is none of the names.
CompareReport compare(const std::vector<ComparedPolicy>& policies, const std::vector<ComparedSimulator>& simulators,
                      const CompareConfig& config, const Progress& progress = {});

/// {policies: [{name, training_seeds, metrics: {metric: {mean, low, high}}, normalised_score, versus_random, versus,
/// expected}], simulators: [{name, policies: [...], random_reward, oracle_reward}], agreement: [...]}; `policies` are
/// those of the first simulator.
Json to_json(const CompareReport& report);
/// For people: a table that fits 100 columns, or `wide` ones with every figure.
std::string to_text(const CompareReport& report, bool wide = false);

/// A page that needs no other file: bars with intervals a metric, then the numbers. `notes` are lines of small print
/// (assumptions, fingerprint, build); everything is escaped.
std::string to_html(const CompareReport& report, const std::string& title, const std::vector<std::string>& notes);

}  // namespace swipegym
