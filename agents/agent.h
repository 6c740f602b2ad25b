#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agents/learner.h"
#include "agents/train_online.h"
#include "core/config.h"
#include "core/memory_budget.h"
#include "policy/world.h"

namespace swipegym {

/// What an agent measures of its final policy by its own settings.
struct FinalFigures {
  std::vector<std::vector<std::string>> table;  // lines of cells; the first is the heading
  Json json;
};

/// How long a training takes.
struct TrainingSteps {
  std::int64_t env_steps = 0, round_steps = 0;  // of all envs together
};
/// The part of an agent's settings that says where and how long it acts: they themselves, or a struct within them.
template <class Config>
const Config& acting_settings(const Config& config) {
  return config;
}

/// An agent with its settings: all that a training in a simulator is made of. agents/registry.h names those there are.
struct Agent {
  Json config;                                              // its settings, whole
  Json (*settings_of_today)(const Json& stored) = nullptr;  // that an earlier version wrote into a checkpoint
  TrainingSteps steps{};
  std::string steps_setting;  // where its settings say how many: "env_steps"
  std::string clock;          // that the simulator is to be loaded by
  /// What a training takes of memory beside its simulator, part by part, before anything is made.
  std::function<MemoryBudget(const Simulator&)> memory;
  std::function<VectorEnv(std::shared_ptr<const Simulator>, int threads)> make_env;
  /// Of the run its seed, its threads and its start count.
  std::function<std::unique_ptr<Learner>(std::shared_ptr<const Simulator>, const OnlineRun&)> make_learner;
  /// Empty: its policy is measured by 'compare' alone.
  std::function<FinalFigures(std::shared_ptr<const Simulator>, const Policy&, const OnlineRun&)> measure{};
};

/// The path of the setting "env_steps", which lies where acting_settings() does.
template <class Config>
std::string path_of_steps(const Config& config) {
  for (const FieldLine& line : list_fields(config))
    if (line.path == "env_steps" || line.path.ends_with(".env_steps")) return line.path;
  return {};
}

/// An agent of these settings, whose learner `make_learner(simulator, run)` makes. Beside the settings there are
/// check(config), training_memory(simulator, config) and make_training_env(simulator, acting_settings(config),
/// threads). Throws
/// InputError for settings that make no sense.
template <class Config, class MakeLearner>
Agent agent_with(const Config& config, MakeLearner make_learner) {
  check(config);
  return {.config = config_to_json(config),
          .settings_of_today = settings_of_today<Config>,
          .steps = {acting_settings(config).env_steps, acting_settings(config).round_steps},
          .steps_setting = path_of_steps(config),
          .clock = acting_settings(config).world.clock,
          .memory = [config](const Simulator& simulator) { return training_memory(simulator, config); },
          .make_env =
              [config](std::shared_ptr<const Simulator> simulator, int threads) {
                return make_training_env(std::move(simulator), acting_settings(config), threads);
              },
          .make_learner = std::move(make_learner)};
}
/// The same for a learner that is made of (simulator, config, seed, threads).
template <class AnyLearner, class Config>
Agent make_agent(const Config& config) {
  return agent_with(config, [config](std::shared_ptr<const Simulator> simulator, const OnlineRun& run) {
    return std::make_unique<AnyLearner>(std::move(simulator), config, run.seed, run.threads);
  });
}

/// Whether `policy` is what a training of this agent wrote when it ended, with this seed and the data behind the
/// simulator. False for what is no policy file.
bool is_finished(const std::filesystem::path& policy, const Agent& agent, std::uint64_t seed,
                 std::uint64_t data_fingerprint);

/// What a training in a simulator leaves.
struct OnlineResult {
  std::shared_ptr<const Policy> policy;
  std::vector<RoundReport> rounds;
  std::unique_ptr<Learner> learner;
};

/// Trains an agent in the simulator. The result depends on (build, simulator, settings, start, seed) alone: not on
/// threads, nor on being interrupted and resumed. Throws InputError for what needs more memory than there is and for a
/// checkpoint of another simulator, settings, start or seed. The checkpoint is left behind; the caller removes it once
/// the policy is saved.
OnlineResult train_agent(const std::shared_ptr<const Simulator>& simulator, const Agent& agent, const OnlineRun& run);

}  // namespace swipegym
