#include <map>
#include <string_view>

#include "agents/dqn/dqn_learner.h"
#include "agents/dqn/full_output_learner.h"
#include "agents/labels/labelcraft.h"
#include "agents/labels/train_label_model.h"
#include "agents/policy_gradient/actor_agents.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/hierarchical_learner.h"
#include "agents/policy_gradient/rlur_learner.h"
#include "agents/policy_gradient/sasrec_actor.h"
#include "agents/retrieval/matrix_factorisation.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "agents/sasrec/train_sasrec.h"
#include "agents/sasrec/train_sqn.h"
#include "agents/train_online.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/small_world.h"

namespace swipegym::fuzz {
namespace {

using Path = std::filesystem::path;

// Agents that learn in a simulator: a round of training makes the checkpoint, another goes on from the damaged one.

constexpr std::int64_t kRound = 32;
using MakeLearner = std::function<std::unique_ptr<Learner>()>;

ValueNetworkConfig small_network() {
  return {.state_hidden = {2},
          .item_hidden = {2},
          .width = 2,
          .tag_dim = 2,
          .author_dim = 0,
          .id_dim = 2,
          .interaction_hidden = 2};
}

DqnConfig small_dqn() {
  DqnConfig config;
  config.world.candidates = kSlots, config.num_envs = 2, config.world.history_length = kHistory,
  config.world.max_steps = 4;
  config.env_steps = 2 * kRound, config.round_steps = kRound, config.learning_starts = 8;
  config.steps_per_update = 8, config.replay_capacity = 32, config.batch = 4, config.target_every = 2;
  config.n_step = 2;
  config.network = small_network();
  return config;
}

template <class AnyLearner, class Config>
MakeLearner dqn(const Config& config) {
  return [config] { return std::make_unique<AnyLearner>(small_simulator(), config, 1, 1); };
}

MakeLearner dqn_with_priorities() {
  DqnConfig config = small_dqn();
  config.prioritised.enabled = true;
  return dqn<DqnLearner>(config);
}

MakeLearner dqn_with_outputs() {
  DqnConfig config = small_dqn();
  config.world.source = "full";
  return dqn<FullOutputLearner>(FullOutputConfig{config, {2}});
}

MakeLearner actor(const char* algorithm) {
  ActorConfig config = actor_defaults(algorithm);
  config.world.candidates = kSlots, config.num_envs = 2, config.world.history_length = kHistory;
  config.world.max_steps = 4;
  config.env_steps = 4 * kRound, config.round_steps = kRound, config.rollout_steps = 4, config.minibatch = 4;
  config.auxiliary_steps = kRound;
  config.critic_hidden = {2};
  if (std::string_view(algorithm) != "tscac") config.average = 1.0;
  config.network = small_network();
  return [config] { return actor_agent(config).make_learner(small_simulator(), {.seed = 1, .threads = 1}); };
}

MakeLearner sasrec_actor() {
  SasrecActorConfig config;
  config.actor.world.candidates = kSlots, config.actor.num_envs = 2, config.actor.world.history_length = kHistory;
  config.actor.world.max_steps = 4;
  config.actor.env_steps = 2 * kRound, config.actor.round_steps = kRound, config.actor.rollout_steps = 4,
  config.actor.minibatch = 4;
  config.actor.critic_hidden = {2};
  config.network.width = 2, config.network.inner = 2, config.network.max_length = kHistory;
  return [config] { return make_sasrec_actor(small_simulator(), config, 1, 1); };
}

MakeLearner rlur() {
  RlurConfig config;
  config.actor.world.candidates = kSlots, config.actor.num_envs = 2, config.actor.world.history_length = kHistory;
  config.actor.world.max_steps = 4;
  config.actor.env_steps = 2 * kRound, config.actor.round_steps = kRound, config.actor.rollout_steps = 4,
  config.actor.minibatch = 4;
  config.actor.critic_hidden = {2};
  config.actor.network = small_network();
  config.retention.hidden = {2};
  return [config] { return std::make_unique<RlurLearner>(small_simulator(), config, 1, 1); };
}

MakeLearner hierarchical() {
  HierarchicalConfig config;
  ActorConfig& acting = config.actor;
  acting.num_envs = 2, acting.world.history_length = kHistory, acting.world.max_steps = 4;
  acting.env_steps = 2 * kRound, acting.round_steps = kRound, acting.rollout_steps = 4, acting.minibatch = 4;
  acting.critic_hidden = {2};
  config.network.towers = small_network(), config.tag_videos = 2;
  return [config] { return std::make_unique<HierarchicalLearner>(small_simulator(), config, 1, 1); };
}

const RunIdentity kIdentity{.config = "{}", .seed = 1, .data_fingerprint = 7};

Target online_target(const MakeLearner& make, const char* source = "random") {
  const auto simulator = small_simulator();
  const auto env =
      std::make_shared<VectorEnv>(open_env(simulator, make_candidate_source(source, simulator->catalogue, kSlots)));
  const auto learner = make();
  std::vector<RoundReport> rounds =
      train_online(*learner, *env, {.seed = 1, .env_steps = kRound, .round_steps = kRound});
  std::string file = written_by([&](const Path& path) { save_checkpoint(path, kIdentity, *learner, rounds); });
  return hdf5_target(std::move(file), [make, env](const Path& path) {
    const auto fresh = make();
    train_with_checkpoints(*fresh, *env, kIdentity, 2 * kRound, kRound,
                           {.seed = 1, .threads = 1, .checkpoint = path, .checkpoint_rounds = 1000, .resume = true});
  });
}

// Models that learn from a log: one epoch makes the checkpoint, and the training that it ended is taken up again.

using Train = std::function<void(const SupervisedTask&)>;

void train_mf(const SupervisedTask& task) {
  train_matrix_factorisation(task, {.factors = 2, .epochs = 1, .batch = 8});
}

TwoTowerTrainingConfig small_towers() {
  TwoTowerTrainingConfig config;
  config.history_length = kHistory, config.epochs = 1, config.batch = 8, config.recall_at = 2;
  config.network = {
      .user_hidden = {2}, .item_hidden = {2}, .width = 2, .tag_dim = 2, .author_dim = 2, .id_dim = 2, .history_dim = 2};
  config.wanted_above = 0.1F;
  return config;
}

void train_towers(const SupervisedTask& task) {
  train_two_tower(task, small_towers());
}

void train_variational(const SupervisedTask& task) {
  train_variational_two_tower(task, {.towers = small_towers()});
}

LabelNetworkConfig small_label_network() {
  return {.embedding = 2, .attention_hidden = 2, .hidden = {2}, .history_length = 2};
}

void train_labels(const SupervisedTask& task, const char* label) {
  LabelModelConfig config;
  config.label = label, config.epochs = 1, config.batch = 8, config.stop_k = 1;
  config.network = small_label_network();
  train_label_model(task, config);
}

void train_craft(const SupervisedTask& task) {
  LabelCraftConfig config;
  config.epochs = 1, config.batch = 16, config.labeling_hidden = 2, config.k = 2, config.stop_k = 1;
  config.holdout_users = 2;
  config.network = small_label_network();
  train_labelcraft(task, config);
}

SasrecNetworkConfig small_sasrec() {
  SasrecNetworkConfig network;
  network.width = 2, network.blocks = 1, network.inner = 2, network.max_length = 3;
  network.head_hidden = {2}, network.user_width = 2;
  return network;
}

void train_sequences(const SupervisedTask& task) {
  SasrecConfig config;
  config.epochs = 1, config.batch = 4;
  config.network = small_sasrec();
  train_sasrec(task, config);
}

void train_values(const SupervisedTask& task) {
  SqnConfig config;
  config.epochs = 1, config.batch = 4;
  config.network = small_sasrec();
  config.network.head_hidden = {}, config.network.user_width = 0;
  train_sqn(task, config);
}

Target supervised_target(const Train& train) {
  struct World {
    Dataset data = small_dataset();
    Catalogue catalogue = build_catalogue(data, 20220502);
  };
  const auto world = std::make_shared<const World>();
  SupervisedTask task{.data = &world->data,
                      .catalogue = &world->catalogue,
                      .train = {20220501, 20220502},
                      .holdout = {20220503, 20220503},
                      .validate = {20220504, 20220504},
                      .seed = 3,
                      .threads = 1};
  std::string file = written_by([&](const Path& path) {
    SupervisedTask first = task;
    first.checkpoint = path;
    train(first);
  });
  task.resume = true;
  return hdf5_target(std::move(file), [world, task, train](const Path& path) {
    SupervisedTask again = task;
    again.checkpoint = path;
    train(again);
  });
}

const std::map<std::string, std::function<Target()>>& kinds() {
  static const std::map<std::string, std::function<Target()>> kinds = {
      {"dqn", [] { return online_target(dqn<DqnLearner>(small_dqn())); }},
      {"dqn_prioritised", [] { return online_target(dqn_with_priorities()); }},
      {"dqn_full_output", [] { return online_target(dqn_with_outputs()); }},
      {"ppo", [] { return online_target(actor("ppo")); }},
      {"hierarchical", [] { return online_target(hierarchical(), "full"); }},
      {"lagrangian", [] { return online_target(actor("lagrangian")); }},
      {"tscac", [] { return online_target(actor("tscac")); }},
      {"sasrec_actor", [] { return online_target(sasrec_actor()); }},
      {"rlur", [] { return online_target(rlur()); }},
      {"mf", [] { return supervised_target(train_mf); }},
      {"two_tower", [] { return supervised_target(train_towers); }},
      {"variational", [] { return supervised_target(train_variational); }},
      {"label", [] { return supervised_target([](const SupervisedTask& t) { train_labels(t, "wt"); }); }},
      {"label_dvr", [] { return supervised_target([](const SupervisedTask& t) { train_labels(t, "dvr"); }); }},
      {"labelcraft", [] { return supervised_target(train_craft); }},
      {"sasrec", [] { return supervised_target(train_sequences); }},
      {"sqn", [] { return supervised_target(train_values); }},
  };
  return kinds;
}

}  // namespace

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : kinds()) names.push_back("checkpoint_" + name);
  return names;
}

Target make_target(const std::string& name) {
  return kinds().at(name.substr(std::string("checkpoint_").size()))();
}

}  // namespace swipegym::fuzz
