#include "agents/policy_gradient/sasrec_actor.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "agents/training_memory.h"
#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

// What it has in common with the actors of a ValueModel.
ActorConfig actor_config(const SasrecActorConfig& c) {
  ActorConfig actor;
  actor.world = c.world, actor.num_envs = c.num_envs, actor.env_steps = c.env_steps, actor.round_steps = c.round_steps;
  actor.rollout_steps = c.rollout_steps, actor.discount = c.discount, actor.gae_lambda = c.gae_lambda;
  actor.epochs = c.epochs, actor.minibatch = c.minibatch, actor.clip = c.clip, actor.target_kl = c.target_kl;
  actor.entropy = c.entropy, actor.reward_scale = c.reward_scale, actor.huber_delta = c.huber_delta;
  actor.learning_rate = c.learning_rate, actor.final_learning_rate = c.final_learning_rate;
  actor.critic_rate = c.critic_rate, actor.clip_norm = c.clip_norm, actor.critic_hidden = c.critic_hidden;
  actor.encoder = c.encoder;
  return actor;
}

std::shared_ptr<SasrecModel> make_actor_model(const Simulator& simulator, const SasrecActorConfig& config,
                                              std::uint64_t seed, const SasrecModel* start) {
  auto model = start != nullptr ? std::make_shared<SasrecModel>(*start) : std::make_shared<SasrecModel>();
  model->header.policy = "sasrec-actor";
  model->header.config = config_to_json(config).dump();
  model->header.seed = seed;
  model->header.data_fingerprint = simulator.data_fingerprint;
  model->objective = SasrecObjective::kNext;
  if (start != nullptr) return model;
  model->header.catalogue_until = simulator.catalogue.until;
  model->items = make_item_inputs(simulator.catalogue);
  model->network = SasrecNetwork(config.network, model->items.num_ids, model->items.num_authors, kSasrecStepFeatures,
                                 kSasrecCandidateFeatures, split(make_key(seed), Draw::kInit), model->items.num_tags);
  return model;
}

// Reads a state's history, which it keeps beside the rollout.
class SasrecActor final : public ActorNetwork {
 public:
  SasrecActor(std::shared_ptr<SasrecModel> model, bool anchored, const ActorConfig& config, int threads)
      : model_(std::move(model)),
        anchor_(anchored ? std::make_shared<SasrecModel>(*model_) : nullptr),
        policy_(model_),
        envs_(config.num_envs),
        steps_(config.rollout_steps),
        histories_(envs_ * (steps_ + 1), model_->network.config().max_length),
        scorer_(*model_, scorer_settings(config, threads), minibatch_rows(config)) {
    if (anchor_) anchor_scorer_.emplace(*anchor_, SasrecScorer::Settings{.adam = {}, .threads = threads}, 1);
  }

  const Policy& policy() const noexcept override { return policy_; }
  std::shared_ptr<const Policy> snapshot() const override {
    auto model = std::make_shared<SasrecModel>(*model_);
    model->network.set_shards(1);
    model->header.temperature = 1.0F;
    return std::make_shared<SasrecPolicy>(std::move(model));
  }
  const ItemInputs& items() const noexcept override { return model_->items; }
  void begin(const ObservationView& first) override {
    histories_.keep(first, 0);
    block_ = 0;
  }
  void observe(const ObservationView& next) override { histories_.keep(next, ++block_ * envs_); }
  void restart() override {
    histories_.move_to_front(steps_ * envs_, envs_);
    block_ = 0;
  }
  void score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) override {
    scorer_.score(rollout, histories_, rows, out);
  }
  bool anchor_score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) const override {
    if (anchor_scorer_) anchor_scorer_->score(rollout, histories_, rows, out);
    return anchor_scorer_.has_value();
  }
  Step step(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss) override {
    return scorer_.step(rollout, histories_, rows, loss);
  }
  Adam& adam() noexcept override { return scorer_.adam(); }
  std::size_t bytes() const override { return bytes_of(model_->network.parameters(), model_->network.embeddings()); }
  void save(Hdf5Writer& file, const std::string& name) const override {
    swipegym::save(file, name, model_->network, /*moments=*/true);
  }
  void load(const Hdf5Reader& file, const std::string& name) override { swipegym::load(file, name, model_->network); }

 private:
  std::shared_ptr<SasrecModel> model_, anchor_;  // anchor_: where it started; null without
  SasrecPolicy policy_;
  std::size_t envs_, steps_;
  KeptHistories histories_;
  std::size_t block_ = 0;  // of the rollout that was kept last
  SasrecScorer scorer_;
  std::optional<SasrecScorer> anchor_scorer_;
};

}  // namespace

void check(const SasrecActorConfig& c) {
  check_ranges(c);
  check(actor_config(c));
  check(c.network);
  require_setting(c.world.slate == 1, "world.slate", c.world.slate, "1: a SASRec actor shows one video a step");
}

VectorEnv make_training_env(std::shared_ptr<const Simulator> simulator, const SasrecActorConfig& config, int threads) {
  return make_training_env(std::move(simulator), actor_config(config), threads);
}

MemoryBudget training_memory(const Simulator& simulator, const SasrecActorConfig& c) {
  const SasrecNetworkConfig& n = c.network;
  MemoryBudget budget = rollout_memory(simulator, actor_config(c));
  const std::uint64_t states = product_of({c.num_envs, sum_of({c.rollout_steps, 1})});
  budget.add("the histories of its states", product_of({states, n.max_length, 2 * sizeof(float) + sizeof(SignalBits)}),
             "num_envs, rollout_steps or network.max_length");
  const std::uint64_t layers = product_of({n.blocks, n.width, sum_of({4 * n.width, 2 * n.inner})});
  const NetworkNumbers numbers{.dense = layers,
                               .tables = product_of({simulator.catalogue.num_videos(), n.width}),
                               .state = product_of({n.max_length, n.blocks, sum_of({8 * n.width, 2 * n.inner})}),
                               .video = 1};
  add_network(budget, simulator.catalogue, numbers, 2, 0);
  add_batch(budget, c.minibatch, c.world.candidates, numbers, 0, "minibatch");
  return budget;
}

std::unique_ptr<ActorLearner> make_sasrec_actor(const std::shared_ptr<const Simulator>& simulator,
                                                const SasrecActorConfig& config, std::uint64_t seed, int threads,
                                                const SasrecModel* start) {
  if (start != nullptr && start->objective != SasrecObjective::kNext)
    throw InputError(fmt::format("'{}' does not rank next videos; start from sqn, sac, sasrec-clicks or sasrec-next",
                                 start->header.policy));
  const ActorConfig actor = actor_config(config);
  const bool anchored = start != nullptr && config.anchor > 0.0F;
  auto network =
      std::make_unique<SasrecActor>(make_actor_model(*simulator, config, seed, start), anchored, actor, threads);
  return std::make_unique<ActorLearner>(actor, std::move(network),
                                        ActorAnchor{.weight = config.anchor, .own_critic_key = true}, seed, threads);
}

Agent sasrec_ppo_agent(const SasrecActorConfig& config) {
  return agent_with(config, [config](const std::shared_ptr<const Simulator>& simulator, const OnlineRun& run) {
    const auto start = run.start.empty() ? nullptr : load_sasrec_model(run.start, simulator->catalogue);
    return make_sasrec_actor(simulator, config, run.seed, run.threads, start.get());
  });
}

}  // namespace swipegym
