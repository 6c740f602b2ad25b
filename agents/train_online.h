#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agents/learner.h"
#include "core/config.h"
#include "core/curve.h"
#include "core/progress.h"

namespace swipegym {

/// One line of a training log: what happened between two fresh starts of all envs.
struct RoundReport {
  std::int64_t env_steps = 0;  // of all rounds so far
  std::int64_t episodes = 0;   // that ended in this round
  double mean_return = 0.0;    // of those, while exploring: a rising curve, not an evaluation
  double mean_length = 0.0;
  double epsilon = 0.0;  // at the round's end
  LearnerStats learner;
  std::vector<AgentFigure> figures{};  // what this agent tells beside them
};
/// As a line of a curve; --json has the same.
Json to_json(const RoundReport& round);
/// Its columns, those of this agent's own figures included.
std::vector<CurveColumn> round_columns(const Learner& learner);

struct OnlineTraining {
  std::uint64_t seed = 1;
  std::int64_t env_steps = 0;    // of all envs together
  std::int64_t round_steps = 0;  // of all envs together, between fresh starts
  Progress progress{};
  /// Called after each step of the envs, for tallies. May be empty.
  std::function<void(const StepView&)> after_step{};
  /// Called after each round with all reports so far; the place to save a checkpoint. May be empty.
  std::function<void(const std::vector<RoundReport>&)> after_round{};
};

/// Acts in `env`, lets `learner` observe and learn. Behind a session another user's begins, or where the env's
/// autoreset is kDisabled the same user's next one. All envs begin afresh with every round, so that a checkpoint
/// between rounds needs nothing of the environment: giving the reports of finished rounds as `done`, with a learner
/// loaded from that point, goes on with the same numbers. Returns the reports of all rounds.
std::vector<RoundReport> train_online(Learner& learner, VectorEnv& env, const OnlineTraining& training,
                                      std::vector<RoundReport> done = {});

/// How a training run is driven, besides what its agent's settings say.
struct OnlineRun {
  std::uint64_t seed = 1;
  int threads = 0;                     // 0: all; never changes a result
  std::filesystem::path start{};       // a policy file to go on from, where the agent can; empty: from nothing
  std::filesystem::path checkpoint{};  // where to keep what `resume` needs, written between rounds; empty: nowhere
  int checkpoint_rounds = 2;           // rounds between two checkpoints
  bool resume = false;                 // go on from `checkpoint` if it is there
  bool goes_on = false;                // which may be that of a training of fewer steps, else the same
  bool keeps_checkpoint = false;       // the last state is written too, for a training of more steps to go on from
  Progress progress{};
  CurveListener curve{};
};

/// What a run's numbers follow from, with the build. A checkpoint of any other run is refused.
struct RunIdentity {
  std::string config;  // JSON text of the agent's settings
  std::uint64_t seed = 0;
  std::uint64_t data_fingerprint = 0;              // of the data behind the simulator
  Json (*of_today)(const Json& stored) = nullptr;  // settings stored by an earlier version, as this one writes them
  std::string steps_setting{};  // not empty: a checkpoint may have a smaller number here, a path of settings
};

/// Writes the learner and the log so far; the file appears whole or not at all.
void save_checkpoint(const std::filesystem::path& path, const RunIdentity& identity, const Learner& learner,
                     const std::vector<RoundReport>& rounds);
/// Fills `learner` and returns the log. Throws InputError for a damaged file and for one of another run, naming what
/// differs.
std::vector<RoundReport> load_checkpoint(const std::filesystem::path& path, const RunIdentity& identity,
                                         Learner& learner);

/// train_online() for any learner, with a checkpoint every so many rounds and where its curve's listener interrupts:
/// the result does not depend on being interrupted and resumed. The checkpoint is left behind; the caller removes it
/// once the policy is saved, or keeps it for a training of more steps: that one ends as an unbroken one of so many
/// steps does, where the settings let nothing follow from their number and the border between the two is one of rounds.
std::vector<RoundReport> train_with_checkpoints(Learner& learner, VectorEnv& env, const RunIdentity& identity,
                                                std::int64_t env_steps, std::int64_t round_steps, const OnlineRun& run);

}  // namespace swipegym
