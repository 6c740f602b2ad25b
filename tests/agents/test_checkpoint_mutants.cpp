#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agents/dqn/dqn_learner.h"
#include "agents/dqn/full_output_learner.h"
#include "agents/epoch_loop.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/hierarchical_learner.h"
#include "agents/policy_gradient/rlur_learner.h"
#include "agents/policy_gradient/sasrec_actor.h"
#include "agents/policy_gradient/tscac_learner.h"
#include "agents/train_online.h"
#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "tests/hdf5_mutants.h"
#include "tests/sanitized.h"

// Every object of every kind of checkpoint, damaged in every way: it is refused, or training goes on from it to its
// end.

namespace swipegym {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMutantEnvs = 4, kSlots = 3, kLength = 5;
constexpr std::int64_t kRound = 32, kSteps = 64;

const RunIdentity kIdentity{.config = "{}", .seed = 3, .data_fingerprint = 7};

std::shared_ptr<const Simulator> toy_simulator() {
  static const auto simulator = make_constant_simulator({.leave_after = 3, .watch_ratio = 0.5F},
                                                        {.num_users = 5, .num_videos = 20, .history = 3});
  return simulator;
}

VectorEnv toy_env(std::size_t costs, bool returns, const char* source) {
  VectorEnvConfig config{.num_envs = kMutantEnvs, .threads = 1, .history_length = kLength, .max_steps = 6};
  config.costs.resize(costs);
  if (returns) config.autoreset = AutoresetMode::kDisabled, config.draw_gaps = true;
  return {toy_simulator(), make_candidate_source(source, toy_simulator()->catalogue, kSlots), config};
}

DqnConfig toy_dqn() {
  DqnConfig config;
  config.world.candidates = kSlots, config.num_envs = kMutantEnvs, config.world.history_length = kLength,
  config.world.max_steps = 6;
  config.env_steps = kSteps, config.round_steps = kRound, config.learning_starts = 8, config.steps_per_update = 8;
  config.replay_capacity = 40, config.batch = 8, config.n_step = 2;
  config.network = {.state_hidden = {3},
                    .item_hidden = {3},
                    .width = 2,
                    .tag_dim = 1,
                    .author_dim = 0,
                    .id_dim = 0,
                    .interaction_hidden = 2};
  config.encoder.recent = 1;
  return config;
}

ActorConfig toy_actor(const char* algorithm) {
  ActorConfig config = actor_defaults(algorithm);
  config.world.candidates = kSlots, config.num_envs = kMutantEnvs, config.world.history_length = kLength;
  config.world.max_steps = 6;
  config.env_steps = kSteps, config.round_steps = kRound, config.rollout_steps = 4, config.minibatch = 8;
  config.epochs = 1, config.critic_hidden = {2}, config.auxiliary_steps = kRound;
  config.network = toy_dqn().network, config.encoder.recent = 1;
  config.expected_signals = false;
  return config;
}

ActorConfig toy_constrained(const char* algorithm, const char* rule) {
  ActorConfig config = toy_actor(algorithm);
  config.constraints = {{.signal = "like", .at_least = 0.1}};
  config.multiplier.rule = rule;
  config.average = 1.0;
  return config;
}

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Learner>()> make;
  std::size_t costs = 0;
  bool returns = false;   // its users come back
  std::string only = {};  // objects whose path begins so are damaged: the others are those of another kind
  const char* source = "random";
};

const std::vector<Kind> kKinds = {
    {"dqn", [] { return std::make_unique<DqnLearner>(toy_simulator(), toy_dqn(), 3, 1); }},
    {"dqn, prioritised",
     [] {
       DqnConfig config = toy_dqn();
       config.prioritised.enabled = true;
       config.network.dueling = true;
       return std::make_unique<DqnLearner>(toy_simulator(), config, 3, 1);
     }},
    {"full output",
     [] {
       return std::make_unique<FullOutputLearner>(toy_simulator(), FullOutputConfig{toy_dqn(), {3}}, 3, 1);
     }},
    {"ppo", [] { return std::make_unique<ActorLearner>(toy_simulator(), toy_actor("ppo"), 3, 1); }},
    {"lagrangian, pid",
     [] { return std::make_unique<ActorLearner>(toy_simulator(), toy_constrained("lagrangian", "pid"), 3, 1); }, 1},
    {"tscac", [] { return std::make_unique<TscacLearner>(toy_simulator(), toy_constrained("tscac", "adam"), 3, 1); },
     1},
    {"sasrec actor",
     [] {
       SasrecActorConfig config;
       config.actor.world = toy_actor("ppo").world, config.actor.num_envs = kMutantEnvs;
       config.actor.env_steps = kSteps, config.actor.rollout_steps = 4, config.actor.minibatch = 8,
       config.actor.epochs = 1;
       config.actor.critic_hidden = {2}, config.actor.encoder.recent = 1;
       config.network.width = 2, config.network.inner = 2, config.network.max_length = 3, config.network.blocks = 1;
       config.network.head_hidden = {2};
       return make_sasrec_actor(toy_simulator(), config, 3, 1);
     }},
    {"rlur",
     [] {
       RlurConfig config;
       config.actor = toy_actor("ppo");
       config.retention.hidden = {2};
       return std::make_unique<RlurLearner>(toy_simulator(), config, 3, 1);
     },
     0, true, "learner/return"},
    {"hierarchical",
     [] {
       HierarchicalConfig config;
       config.actor = toy_actor("ppo"), config.actor.world.source = "full";
       config.network.towers = toy_dqn().network, config.tag_videos = 2;
       return std::make_unique<HierarchicalLearner>(toy_simulator(), config, 3, 1);
     },
     0,
     false,
     {},
     "full"},
};

std::vector<RoundReport> train(const Kind& kind, const OnlineRun& run) {
  VectorEnv env = toy_env(kind.costs, kind.returns, kind.source);
  const std::unique_ptr<Learner> learner = kind.make();
  return train_with_checkpoints(*learner, env, kIdentity, kSteps, kRound, run);
}

testing::FileImage checkpoint_of(const Kind& kind) {
  const auto path = fs::temp_directory_path() / "swipegym_checkpoint_mutants.h5";
  train(kind, {.seed = 3, .threads = 1, .checkpoint = path, .checkpoint_rounds = 1});
  testing::FileImage image = testing::read_image(path);
  fs::remove(path);
  return image;
}

// What happens to a damaged checkpoint; "" when training ended.
std::string resumed(const Kind& kind, const testing::FileImage& image) {
  const testing::MemoryFile file(image);
  try {
    const auto rounds =
        train(kind, {.seed = 3, .threads = 1, .checkpoint = file.path(), .checkpoint_rounds = 99, .resume = true});
    CHECK(rounds.back().env_steps == kSteps);
    return "";
  } catch (const InputError& error) {
    return error.what();
  } catch (const SystemError& error) {  // it diverged, and says so
    return error.what();
  }
}

TEST_CASE("a damaged checkpoint is refused, or training goes on to its end", "[agents]") {
  const std::size_t stride = testing::mutant_stride();
  for (const Kind& kind : kKinds) {
    const testing::FileImage image = checkpoint_of(kind);
    REQUIRE(resumed(kind, image).empty());
    const std::vector<testing::Hdf5Mutation> all = testing::hdf5_mutations(image);
    std::size_t refused = 0, tried = 0;
    for (std::size_t i = 0; i < all.size(); i += stride) {
      if (!all[i].object.starts_with(kind.only)) continue;
      ++tried;
      INFO(kind.name << ": " << all[i].object << ": " << all[i].change);
      refused += !resumed(kind, testing::mutated(image, all[i])).empty();
    }
    INFO(kind.name << ": " << refused << " of " << tried);
    CHECK(2 * refused > tried);
  }
}

// The cases that once crashed, or never ended.
TEST_CASE("indices beyond what a checkpoint holds, emptied counters and negative rounds are refused", "[agents]") {
  struct Damage {
    std::size_t kind;
    const char *object, *change;
  };
  const Damage damages[] = {
      {0, "learner/replay/user", "all max"},
      {0, "learner/replay/video", "all max"},
      {0, "learner/replay/candidate", "all max"},
      {0, "learner/replay/candidate", "last minus one"},
      {0, "learner/replay/head", "all max"},
      {0, "learner/replay/flags", "first max"},
      {0, "learner/replay/started", "all max"},
      {0, "learner/replay/reward", "middle nan"},
      {0, "learner/counters", "emptied"},
      {0, "learner/counters", "all min"},
      {0, "rounds/counts", "all min"},
      {1, "learner/priorities/priority", "all nan"},
      {1, "learner/priorities/priority", "all max"},
      {1, "learner/priorities/largest", "emptied"},
      {1, "learner/priorities/largest", "all zero"},
      {2, "learner/counters", "emptied"},
      {3, "rounds/counts", "all min"},
      {3, "learner/reports/counts", "emptied"},
      {3, "learner/counters", "emptied"},
      {3, "learner/critic_0/steps", "emptied"},
      {4, "learner/multiplier_0", "emptied"},
      {4, "learner/multiplier_0", "all nan"},
      {4, "learner/multiplier_0", "all min"},
      {4, "learner/reports/figures", "one shorter"},
      {5, "learner/deviation", "emptied"},
      {5, "learner/deviation", "all minus one"},
      {5, "learner/counters", "all min"},
      {6, "learner/counters", "emptied"},
      {8, "learner/counters", "all min"},
      {8, "learner/critic/steps", "emptied"},
      {8, "learner/reports/figures", "one shorter"},
  };
  std::vector<testing::FileImage> images;
  for (const Kind& kind : kKinds) images.push_back(checkpoint_of(kind));
  for (const Damage& damage : damages) {
    const Kind& kind = kKinds[damage.kind];
    INFO(kind.name << ": " << damage.object << ": " << damage.change);
    const std::string said = resumed(kind, testing::mutated(images[damage.kind], {damage.object, damage.change}));
    CHECK(said.find("swipegym-") != std::string::npos);  // the file's name
  }
}

TEST_CASE("Adam's moments are finite and none of squares is negative", "[agents]") {
  const testing::FileImage image = checkpoint_of(kKinds[0]);
  for (const testing::Hdf5Mutation& mutation : testing::hdf5_mutations(image)) {
    const bool first = mutation.object.ends_with("first_moment"), second = mutation.object.ends_with("second_moment");
    if (!(first || second) || !(mutation.change == "all nan" || (second && mutation.change == "all minus one")))
      continue;
    INFO(mutation.object << ": " << mutation.change);
    CHECK_FALSE(resumed(kKinds[0], testing::mutated(image, mutation)).empty());
  }
}

// A supervised model's checkpoint: one layer that Adam pulls towards 1.
struct Supervised {
  explicit Supervised(const fs::path& path) {
    data.fingerprint = 9;
    task.data = &data, task.checkpoint = path;
    weight.resize(2, 2);
    parts.parameters = {{"weight", &weight}};
    parts.adam = &adam;
  }
  std::vector<EpochReport> run(int epochs) {
    return run_epochs(
        task, {.epochs = epochs, .patience = 3, .identity = "toy"}, parts,
        [&](int, const Progress&) {
          weight.gradient() = weight.value.array() - 1.0F;
          Parameter* all[] = {&weight};
          adam.step(all);
          return static_cast<double>(weight.value.sum());
        },
        [&]() -> Validation {
          return {std::nan(""), static_cast<double>(weight.value(0, 0))};
        });
  }
  Dataset data;
  SupervisedTask task;
  Parameter weight;
  Adam adam{{.learning_rate = 0.1}};
  TrainedParts parts;
};

TEST_CASE("a damaged checkpoint of a supervised training is refused, or it goes on to its end", "[agents]") {
  const auto path = fs::temp_directory_path() / "swipegym_epoch_mutants.h5";
  Supervised(path).run(3);
  const testing::FileImage image = testing::read_image(path);
  fs::remove(path);
  for (const testing::Hdf5Mutation& mutation : testing::hdf5_mutations(image)) {
    INFO(mutation.object << ": " << mutation.change);
    const testing::MemoryFile file(testing::mutated(image, mutation));
    Supervised model(file.path());
    model.task.resume = true;
    try {
      model.run(5);
      CHECK(model.weight.value.allFinite());
    } catch (const InputError& error) {
      CHECK(std::string(error.what()).find(file.path().filename().string()) != std::string::npos);
    } catch (const SystemError&) {  // it diverged, and says so
    }
  }
}

}  // namespace
}  // namespace swipegym
