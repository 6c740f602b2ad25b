#include "agents/policy_gradient/sasrec_actor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/counters.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/advantages.h"
#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

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

// The settings, and what the actor started from.
Json settings_with_start(const Json& stored) {
  Json settings = stored;
  if (!settings.is_object() || !settings.contains("start")) return settings_of_today<SasrecActorConfig>(settings);
  const Json start = settings["start"];
  settings.erase("start");
  settings = settings_of_today<SasrecActorConfig>(settings);
  settings["start"] = start;
  return settings;
}

VectorEnv make_sasrec_world(std::shared_ptr<const Simulator> simulator, const SasrecActorConfig& config, int threads) {
  ActorConfig actor;
  actor.world = config.world, actor.num_envs = config.num_envs;
  return make_actor_env(std::move(simulator), actor, threads);
}

}  // namespace

void check(const SasrecActorConfig& c) {
  check_ranges(c);
  ActorConfig shared;  // what both kinds of actors have in common is judged once
  shared.world = c.world, shared.num_envs = c.num_envs, shared.env_steps = c.env_steps,
  shared.round_steps = c.round_steps;
  shared.rollout_steps = c.rollout_steps, shared.discount = c.discount, shared.gae_lambda = c.gae_lambda;
  shared.epochs = c.epochs, shared.minibatch = c.minibatch, shared.clip = c.clip, shared.target_kl = c.target_kl;
  shared.entropy = c.entropy, shared.reward_scale = c.reward_scale, shared.huber_delta = c.huber_delta;
  shared.learning_rate = c.learning_rate, shared.final_learning_rate = c.final_learning_rate;
  shared.critic_rate = c.critic_rate, shared.clip_norm = c.clip_norm, shared.critic_hidden = c.critic_hidden;
  shared.encoder = c.encoder;
  check(shared);
  check(c.network);
}

double anchor_loss(float weight, std::span<const float> log_chance, std::span<const float> anchor_log_chance,
                   std::span<float> d_scores) {
  double divergence = 0.0;
  for (std::size_t i = 0; i < log_chance.size(); ++i)
    if (log_chance[i] > kNoChance)
      divergence +=
          std::exp(static_cast<double>(log_chance[i])) * static_cast<double>(log_chance[i] - anchor_log_chance[i]);
  // d KL / d z_i = p_i (log p_i - log q_i - KL)
  for (std::size_t i = 0; i < log_chance.size(); ++i)
    if (log_chance[i] > kNoChance)
      d_scores[i] += static_cast<float>(static_cast<double>(weight) * std::exp(static_cast<double>(log_chance[i])) *
                                        (static_cast<double>(log_chance[i] - anchor_log_chance[i]) - divergence));
  return static_cast<double>(weight) * divergence;
}

SasrecActor::SasrecActor(std::shared_ptr<const Simulator> simulator, const SasrecActorConfig& config,
                         std::uint64_t seed, int threads, const SasrecModel* start)
    : config_(config),
      model_(make_actor_model(*simulator, config, seed, start)),
      anchor_(start != nullptr && config.anchor > 0.0F ? std::make_shared<SasrecModel>(*model_) : nullptr),
      policy_(model_),
      encoder_(config.encoder, model_->items),
      rollout_(encoder_, {.envs = config.num_envs,
                          .steps = config.rollout_steps,
                          .slots = config.world.candidates,
                          .threads = threads}),
      histories_(rollout_.state_rows(), model_->network.config().max_length),
      actor_(*model_,
             {.adam = {.learning_rate = config.learning_rate, .clip_norm = config.clip_norm}, .threads = threads},
             config.minibatch),
      critic_(encoder_.state_size(),
              {.hidden = config.critic_hidden,
               .adam = {.learning_rate = config.critic_rate, .clip_norm = 10.0},
               .huber_delta = config.huber_delta,
               .threads = threads},
              config.minibatch, split(split(make_key(seed), Draw::kInit), 100)),
      loss_{.clip = config.clip, .entropy = config.entropy},
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  if (anchor_) anchor_scorer_.emplace(*anchor_, SasrecScorer::Settings{.threads = threads}, 1);
  const std::size_t rows = rollout_.rows();
  reward_.resize(rows), value_.resize(rollout_.state_rows()), advantage_.resize(rows), target_.resize(rows);
  old_log_chance_.resize(rows * config.world.candidates);
  if (anchor_) anchor_log_chance_.resize(old_log_chance_.size());
  kl_.resize(config.minibatch);
  all_.resize(rows);
  std::iota(all_.begin(), all_.end(), 0U);
}

void SasrecActor::begin(const ObservationView& first) {
  rollout_.begin(first);
  histories_.keep(first, 0);
  block_ = 0;
}

void SasrecActor::observe(const StepView& step) {
  rollout_.add(step, {});
  histories_.keep(step.observation, ++block_ * rollout_.shape().envs);
}

void SasrecActor::update(std::int64_t env_steps) {
  if (!rollout_.full()) return;
  const double share = std::min(1.0, static_cast<double>(env_steps) / static_cast<double>(config_.env_steps));
  actor_.adam().set_learning_rate(config_.learning_rate +
                                  share * (config_.final_learning_rate - config_.learning_rate));
  value_rollout();
  improve();
  ++updates_;
  histories_.move_to_front(rollout_.rows(), rollout_.shape().envs);
  rollout_.restart();
  block_ = 0;
}

void SasrecActor::value_rollout() {
  rows_.clear();
  for (std::size_t row = 0; row < rollout_.rows(); ++row) {
    if (rollout_.valid[row]) rows_.push_back(static_cast<std::uint32_t>(row));
    reward_[row] = config_.reward_scale * rollout_.reward[row];
  }
  critic_.values(rollout_.states, value_);
  generalised_advantages({.steps = rollout_.shape().steps,
                          .envs = rollout_.shape().envs,
                          .reward = reward_,
                          .value = value_,
                          .valid = rollout_.valid,
                          .terminated = rollout_.terminated,
                          .truncated = rollout_.truncated,
                          .discount = config_.discount,
                          .lambda = config_.gae_lambda},
                         advantage_);
  for (std::size_t row = 0; row < rollout_.rows(); ++row) target_[row] = advantage_[row] + value_[row];
  tally_.add_value(std::accumulate(value_.begin(), value_.end(), 0.0) / static_cast<double>(value_.size()) /
                   static_cast<double>(config_.reward_scale));
  standardise(rollout_.valid, advantage_);
}

void SasrecActor::log_chances(const SasrecScorer& scorer, std::vector<float>& out) const {
  scorer.score(rollout_, histories_, all_, out);
  scores_to_log_chances(rollout_, all_, out);
}

void SasrecActor::improve() {
  const std::size_t m = rollout_.shape().slots, batch = config_.minibatch;
  log_chances(actor_, old_log_chance_);  // of the policy that acted: it does not change between updates
  if (anchor_scorer_) log_chances(*anchor_scorer_, anchor_log_chance_);
  const RandomKey key = split(batch_key_, static_cast<std::uint64_t>(updates_));
  for (int pass = 0; pass < config_.epochs; ++pass) {
    shuffle_rows(rows_, split(key, static_cast<std::uint64_t>(pass)));
    double kl = 0.0;
    for (std::size_t first = 0; first < rows_.size(); first += batch) {
      const std::span<const std::uint32_t> rows =
          std::span(rows_).subspan(first, std::min(batch, rows_.size() - first));
      const SasrecScorer::Step step = actor_.step(
          rollout_, histories_, rows, [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
            thread_local std::vector<float> log_chance;
            log_chance.resize(m);
            const std::size_t row = rows[index];
            log_softmax(scores, std::span(rollout_.mask).subspan(row * m, m), log_chance);
            const PolicyRowResult result =
                policy_loss(loss_,
                            {.log_chance = log_chance,
                             .old_log_chance = std::span(old_log_chance_).subspan(row * m, m),
                             .actions = std::span(rollout_.action).subspan(row, 1),
                             .advantage = advantage_[row]},
                            d_scores);
            kl_[index] = result.kl;
            if (!anchor_scorer_) return result.loss;
            return result.loss +
                   anchor_loss(config_.anchor, log_chance, std::span(anchor_log_chance_).subspan(row * m, m), d_scores);
          });
      for (std::size_t i = 0; i < rows.size(); ++i) kl += kl_[i];
      tally_.add_step(step.loss, step.gradient_norm);
      critic_.step(rollout_.states, rows, target_);
    }
    if (config_.target_kl > 0.0 && kl > config_.target_kl * static_cast<double>(rows_.size())) break;
  }
}

LearnerStats SasrecActor::take_stats() {
  return tally_.take(updates_);
}

void SasrecActor::save(Hdf5Writer& file, const std::string& name) const {
  swipegym::save(file, name + "/actor", model_->network, /*moments=*/true);
  file.write(name + "/counters", std::vector<std::int64_t>{updates_, actor_.adam().steps()});
  critic_.save(file, name + "/critic");
}

void SasrecActor::load(const Hdf5Reader& file, const std::string& name) {
  swipegym::load(file, name + "/actor", model_->network);
  const std::vector<std::int64_t> counters = read_counters(file, name + "/counters", 2);
  updates_ = counters[0];
  actor_.adam().set_steps(counters[1]);
  critic_.load(file, name + "/critic");
  take_stats();
}

TrainedSasrecActor train_sasrec_actor(std::shared_ptr<const Simulator> simulator, const SasrecActorConfig& config,
                                      const OnlineRun& run, const SasrecModel* start) {
  check(config);
  if (start != nullptr && start->objective != SasrecObjective::kNext)
    throw InputError(fmt::format("'{}' does not rank next videos; start from sqn, sac, sasrec-clicks or sasrec-next",
                                 start->header.policy));
  Json identity = config_to_json(config);
  if (start != nullptr)
    identity["start"] = {{"name", start->header.policy},
                         {"seed", start->header.seed},
                         {"config", start->header.config},
                         {"data", start->header.data_fingerprint}};
  VectorEnv env = make_sasrec_world(simulator, config, run.threads);
  SasrecActor learner(simulator, config, run.seed, run.threads, start);
  TrainedSasrecActor trained;
  trained.rounds = train_with_checkpoints(learner, env,
                                          {identity.dump(), run.seed, simulator->data_fingerprint, settings_with_start},
                                          config.env_steps, config.round_steps, run);
  auto model = std::make_shared<SasrecModel>(learner.model());
  model->network.set_shards(1);
  model->header.temperature = 1.0F;
  trained.model = std::move(model);
  return trained;
}

}  // namespace swipegym
