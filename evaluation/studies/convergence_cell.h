#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agent.h"
#include "agents/dqn/dqn_config.h"
#include "core/config.h"
#include "core/progress.h"
#include "env/simulator.h"
#include "policy/policy.h"
#include "policy/retrieval_index.h"

namespace swipegym {

/// What the agents "retrieved" and "wolpertinger" choose among.
struct RetrievedActions {
  std::string file;              // a policy file, whose policy retrieves: for "wolpertinger" one that asks by vectors
  std::size_t candidates = 100;  // a step, one in ten of them random
  RetrievalIndexConfig index;    // of "wolpertinger"
};

template <class Visitor>
void visit_fields(Visitor& visit, RetrievedActions& retrieval) {
  visit("file", retrieval.file, Words({""}).or_file(".h5"));
  visit("candidates", retrieval.candidates, ranges::kSlots);
  visit("index", retrieval.index);
}

/// What is measured along and after one training of a convergence study.
struct ConvergenceConfig {
  std::size_t evaluations = 8;        // of the greedy policy along a training, evenly spaced; the last one at its end
  std::size_t sessions = 256;         // of each evaluation, the same for all trainings and baselines
  std::size_t oracle_sessions = 256;  // the first of these that the one-step oracle plays; on millions of videos fewer
  std::uint64_t session_seed = 1;
  DqnConfig dqn = convergence_dqn();  // candidates, slots and fresh_candidates are set for each action space
  std::vector<std::size_t> full_output_hidden = {256, 256};  // of the agent full-output, else as dqn

  RetrievedActions retrieval;

  static DqnConfig convergence_dqn();
};

template <class Visitor>
void visit_fields(Visitor& visit, ConvergenceConfig& config) {
  visit("evaluations", config.evaluations, between(1, 100'000));
  visit("sessions", config.sessions, between(2, 100'000'000));
  visit("oracle_sessions", config.oracle_sessions, between(2, 100'000'000));
  visit("session_seed", config.session_seed, ranges::kAnySeed);
  visit("dqn", config.dqn);
  visit("full_output_hidden", config.full_output_hidden, ranges::kUnits, ranges::kLayers);
  visit("retrieval", config.retrieval);
}
inline std::vector<FormerName> former_names(const ConvergenceConfig&) {
  return {{.old = "dqn.full_output_hidden", .now = "full_output_hidden"}};
}
void check(const ConvergenceConfig& config);

/// An agent of a study: one of the table (agents/registry.h), with a setting changed.
struct ConvergenceVariant {
  std::string_view name, agent, about;
  void (*change)(DqnConfig& dqn);  // null: nothing
  enum class Search : std::uint8_t { kNone, kExact, kIndex } search = Search::kNone;

  /// Chooses among what is retrieved of all videos, and has no other action space.
  bool retrieves() const noexcept { return search != Search::kNone; }
};
/// The one of that name. Throws InputError for an agent that there is not.
const ConvergenceVariant& find_convergence_variant(std::string_view name);
std::span<const ConvergenceVariant> convergence_variants();
/// Those of a study that names none: all but full-output, whose network no large catalogue can have, and those that
/// need a retriever.
std::vector<std::string> convergence_agents();

/// One training: a DQN on an action space of `size` random candidates a step, of every video, or of what is retrieved
/// of these.
struct Cell {
  std::size_t size = 0;  // candidates a step; the whole catalogue when not below its number of videos
  std::string agent = "dqn";
  std::uint64_t seed = 1;
};

/// The greedy policy at a point of a training.
struct CurvePoint {
  std::int64_t env_steps = 0, updates = 0;
  double seconds = 0.0;     // of training so far, evaluations left out
  double reward = 0.0;      // a session, undiscounted
  double discounted = 0.0;  // a session
  double promised = 0.0;    // Q of the first choice of a session
  double largest = 0.0;     // |Q| of those, the largest
  double loss = 0.0, gradient_norm = 0.0;
};

struct CellResult {
  std::vector<CurvePoint> curve;
  std::vector<float> final_reward;  // [sessions] of the last evaluation
  double visits_gini = 0.0;         // of how often training showed each video; 0 even, 1 all on one
  double tried = 0.0;               // share of the catalogue that training showed
  std::size_t replay_bytes = 0, network_bytes = 0;
};

/// What a cell trains. Throws InputError for an agent that there is not, and for settings that make no sense.
Agent cell_agent(const ConvergenceConfig& config, const Cell& cell, std::size_t num_videos);

CellResult run_cell(std::shared_ptr<const Simulator> simulator, const ConvergenceConfig& config, const Cell& cell,
                    int threads, const Progress& progress);

/// The env in which policies are measured on the action space of `size`.
VectorEnvConfig baseline_env(const ConvergenceConfig& config, std::size_t size, std::size_t num_videos, int threads);

/// Rewards of `sessions` sessions under a policy that needs no training here, on the action space of `size`.
std::vector<float> baseline(std::shared_ptr<const Simulator> simulator, const ConvergenceConfig& config,
                            std::size_t size, const Policy& policy, std::size_t sessions, int threads);

Json to_json(const CellResult& result);
CellResult cell_from_json(const Json& json);

}  // namespace swipegym
