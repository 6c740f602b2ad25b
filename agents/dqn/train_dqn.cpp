#include "agents/dqn/train_dqn.h"

#include "agents/dqn/dqn_learner.h"
#include "core/config.h"
#include "core/error.h"

namespace swipegym {

TrainedPolicy train_dqn(std::shared_ptr<const Simulator> simulator, const DqnConfig& config,
                        const DqnTraining& training) {
  check(config);
  if (config.network_kind != "item_features")
    throw InputError("setting 'network_kind' is " + config.network_kind +
                     ", expected item_features here; 'train dqn' learns the other");
  training_memory(*simulator, config).require();
  const RunIdentity identity = identity_of(config, training.seed, simulator->data_fingerprint);
  VectorEnv env = make_training_env(simulator, config, training.threads);
  DqnLearner learner(simulator, config, training.seed, training.threads);
  TrainedPolicy trained;
  trained.rounds = train_with_checkpoints(learner, env, identity, config.env_steps, config.round_steps, training);
  auto model = std::make_shared<ValueModel>(learner.model());
  model->network.set_shards(1);
  model->header.config = identity.config;
  trained.model = std::move(model);
  return trained;
}

}  // namespace swipegym
