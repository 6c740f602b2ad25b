#include "agents/dqn/full_output_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "agents/counters.h"
#include "agents/dqn/fresh_maximum.h"
#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/candidate_sources.h"

namespace swipegym {
namespace {

// The video of each output: of a shelf in the order of its slots, or every video of the catalogue.
std::vector<std::int32_t> videos_of_outputs(const Catalogue& catalogue, const DqnConfig& config) {
  if (!config.world.has_shelf()) {
    if (catalogue.num_videos() > kMostOutputs)
      throw InputError(
          fmt::format("network_kind full_output has one output a video: the catalogue has {}, expected at "
                      "most {}; use the candidates 'top' or 'sample'",
                      catalogue.num_videos(), kMostOutputs));
    std::vector<std::int32_t> all(catalogue.num_videos());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  const auto source = make_candidate_source(config.world.source, catalogue, config.world.candidates);
  return dynamic_cast<const FixedCandidates&>(*source).videos();
}

FullOutputRegression::Settings full_output_settings(const DqnConfig& config, int threads) {
  return {.adam = {.learning_rate = config.learning_rate,
                   .weight_decay = config.weight_decay,
                   .clip_norm = config.clip_norm},
          .huber_delta = config.huber_delta,
          .double_q = config.double_q,
          .batch = config.batch,
          .threads = threads};
}

}  // namespace

FullOutputLearner::FullOutputLearner(std::shared_ptr<const Simulator> simulator, const DqnConfig& config,
                                     std::uint64_t seed, int threads)
    : simulator_(std::move(simulator)),
      config_(config),
      model_(make_full_output_model("dqn_full_output", simulator_->catalogue,
                                    videos_of_outputs(simulator_->catalogue, config), config.full_output_hidden,
                                    config.encoder, seed)),
      encoder_(config.encoder, model_->items),
      policy_(model_),
      replay_(simulator_, {.capacity = config.replay_capacity,
                           .num_envs = config.num_envs,
                           .history_length = config.world.history_length,
                           .candidates = config.fresh_candidates > 0 ? 0 : config.world.candidates}),
      regression_(model_->network, full_output_settings(config, threads)),
      shards_(regression_.shards()),
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  model_->header.data_fingerprint = simulator_->data_fingerprint;
}

void FullOutputLearner::update(std::int64_t env_steps) {
  if (replay_.size() == 0) return;
  const std::int64_t due = std::max<std::int64_t>(0, env_steps - config_.learning_starts) / config_.steps_per_update;
  const double share = std::min(1.0, static_cast<double>(env_steps) / static_cast<double>(config_.env_steps));
  regression_.adam().set_learning_rate(config_.learning_rate +
                                       share * (config_.final_learning_rate - config_.learning_rate));
  const std::int64_t before = updates_;
  while (updates_ < due) {
    const RandomKey key = split(batch_key_, static_cast<std::uint64_t>(updates_));
    const RegressionStats stats =
        regression_.step([this, key](std::size_t shard, std::size_t first, std::size_t count) {
          return provide(key, shard, first, count);
        });
    tally_.add_step(stats.loss, stats.gradient_norm);
    tally_.add_value(stats.mean_value / config_.reward_scale);
    if (++updates_ % config_.target_every == 0) regression_.move_target(config_.target_rate);
  }
  if (updates_ > before) model_->network.lay_out();  // for acting
}

void FullOutputLearner::encode(const ObservationView& observation, Shard& shard, Matrix& states) const {
  ObservationView view = observation;
  view.user_features = shard.user_features.data();
  states.resize(static_cast<Eigen::Index>(view.rows), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(view, 0, view.rows, states, shard.histories);
}

FullOutputRows FullOutputLearner::provide(RandomKey key, std::size_t index, std::size_t first, std::size_t count) {
  Shard& shard = shards_[index];
  TransitionBatch& batch = shard.batch;
  replay_.sample(
      {.count = count, .key = key, .first_row = first, .n_step = config_.n_step, .discount = config_.discount}, batch);
  const float* features = simulator_->catalogue.user_features.data();
  shard.user_features.resize(count * kUserFeatures);
  shard.reward.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(features + std::size_t{batch.user[i]} * kUserFeatures, kUserFeatures,
                &shard.user_features[i * kUserFeatures]);
    shard.reward[i] = config_.reward_scale * batch.reward[i];
  }
  encode(batch.observation(), shard, shard.states);
  encode(batch.next_observation(), shard, shard.next);
  FullOutputRows rows{.states = &shard.states,
                      .next = &shard.next,
                      .action = batch.action,
                      .reward = shard.reward,
                      .discount = batch.discount,
                      .next_mask = batch.next.mask};
  if (!config_.world.has_shelf()) {
    allow_next(shard, count, split(split(key, Draw::kCandidates), index));
    rows.action = batch.video;
    rows.next_mask = shard.allowed;
  }
  return rows;
}

// What s' may choose, as outputs: what it was offered, or a fresh draw without the videos its user has watched.
void FullOutputLearner::allow_next(Shard& shard, std::size_t count, RandomKey key) const {
  const TransitionBatch& batch = shard.batch;
  const std::size_t videos = model_->raw_id.size();
  shard.allowed.assign(count * videos, 0);
  if (config_.fresh_candidates == 0) {
    for (std::size_t pair = 0; pair < batch.next.candidate.size(); ++pair)
      if (batch.next.mask[pair])
        shard.allowed[pair / batch.candidates * videos + static_cast<std::size_t>(batch.next.candidate[pair])] = 1;
    return;
  }
  draw_distinct_videos(videos, config_.fresh_candidates, key, shard.drawn);
  const Population& population = simulator_->population;
  for (std::size_t row = 0; row < count; ++row) {
    std::uint8_t* allowed = &shard.allowed[row * videos];
    for (const std::int32_t video : shard.drawn) allowed[video] = 1;
    const std::int32_t* history = &batch.next.history_video[row * batch.history_length];
    for (std::size_t i = 0; i < batch.history_length; ++i)
      if (history[i] >= 0) allowed[history[i]] = 0;
    const std::size_t user = batch.user[row];
    for (std::size_t i = population.history_offset[user]; i < population.history_offset[user + 1]; ++i)
      allowed[population.history_video[i]] = 0;
  }
}

LearnerStats FullOutputLearner::take_stats() {
  return tally_.take(updates_);
}

void FullOutputLearner::save(Hdf5Writer& file, const std::string& name) const {
  model_->network.save(file, name + "/online", /*moments=*/true);
  regression_.target().save(file, name + "/target", /*moments=*/false);
  file.write(name + "/counters", std::vector<std::int64_t>{updates_, regression_.adam().steps()});
  replay_.save(file, name + "/replay");
}

void FullOutputLearner::load(const Hdf5Reader& file, const std::string& name) {
  model_->network.load(file, name + "/online");
  regression_.target().load(file, name + "/target");
  const std::vector<std::int64_t> counters = read_counters(file, name + "/counters", 2);
  updates_ = counters[0];
  regression_.adam().set_steps(counters[1]);
  replay_.load(file, name + "/replay");
  take_stats();
}

TrainedFullOutput train_full_output(std::shared_ptr<const Simulator> simulator, const DqnConfig& config,
                                    const OnlineRun& training) {
  check(config);
  training_memory(*simulator, config).require();
  const RunIdentity identity = identity_of(config, training.seed, simulator->data_fingerprint);
  VectorEnv env = make_training_env(simulator, config, training.threads);
  FullOutputLearner learner(simulator, config, training.seed, training.threads);
  TrainedFullOutput trained;
  trained.rounds = train_with_checkpoints(learner, env, identity, config.env_steps, config.round_steps, training);
  auto model = std::make_shared<FullOutputModel>(learner.model());
  model->network.set_shards(1);
  model->header.config = identity.config;
  trained.model = std::move(model);
  return trained;
}

}  // namespace swipegym
