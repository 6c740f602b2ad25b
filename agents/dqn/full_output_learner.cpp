#include "agents/dqn/full_output_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "agents/counters.h"
#include "agents/dqn/fresh_maximum.h"
#include "agents/training_memory.h"
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
          fmt::format("full-output has one output a video: the catalogue has {}, expected at "
                      "most {}; use the source 'top' or 'sample'",
                      catalogue.num_videos(), kMostOutputs));
    std::vector<std::int32_t> all(catalogue.num_videos());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  if (config.world.source == "top") return most_exposed(catalogue, config.world.candidates);
  return random_videos(catalogue.num_videos(), config.world.candidates,
                       make_key(0));  // the seed of a training's source
}

}  // namespace

void check(const FullOutputConfig& config) {
  const DqnConfig& c = config.q;
  check_ranges(config);
  check_q_learning(c);
  require_setting(c.exploration == "epsilon" || c.exploration == "boltzmann", "exploration", c.exploration,
                  "'epsilon' or 'boltzmann': it has no members");
  require_setting(c.world.has_shelf() || c.world.source == "random" || c.world.offers_all(), "world.source",
                  c.world.source,
                  "'top' or 'sample' (an output a slot), 'random' or 'full' (one a video of the catalogue)");
  require_setting(c.world.offers_all() || c.world.candidates <= kMostOutputs, "world.candidates", c.world.candidates,
                  "at most 10000: one output each");
}

MemoryBudget training_memory(const Simulator& simulator, const FullOutputConfig& config) {
  const Catalogue& catalogue = simulator.catalogue;
  const DqnConfig& c = config.q;
  MemoryBudget budget = q_learning_memory(simulator, c);
  const auto sizes = layer_sizes(StateEncoder::state_size(c.encoder, catalogue.num_tags), config.full_output_hidden,
                                 c.world.has_shelf() ? c.world.candidates : catalogue.num_videos());
  const NetworkNumbers numbers{.dense = weights_of(sizes), .tables = 0, .state = 4 * units_of(sizes), .video = 0};
  add_network(budget, catalogue, numbers, 2, 0);
  add_transitions(budget, c, numbers);
  return budget;
}

std::vector<FormerName> former_names(const FullOutputConfig&) {
  std::vector<FormerName> names = former_q_learning_names();
  names.push_back({.old = "network_kind", .only = "full_output", .instead = "'train full-output' always has this one"});
  for (const char* name : {"network", "prioritised"})
    names.push_back({.old = name, .instead = "it is a setting of 'train dqn'"});
  return names;
}

std::string full_output_of_dqn(const Json& settings) {
  return settings.is_object() && settings.value("network_kind", Json()) == "full_output" ? "full-output" : "";
}

FullOutputLearner::FullOutputLearner(std::shared_ptr<const Simulator> simulator, const FullOutputConfig& given,
                                     std::uint64_t seed, int threads)
    : simulator_(std::move(simulator)),
      config_(given.q),
      model_(make_full_output_model("dqn_full_output", simulator_->catalogue,
                                    videos_of_outputs(simulator_->catalogue, config_), given.full_output_hidden,
                                    config_.encoder, seed)),
      encoder_(config_.encoder, model_->items),
      policy_(model_),
      replay_(simulator_, replay_config(config_)),
      chooses_among_few_(!config_.world.has_shelf() && !config_.world.offers_all() && config_.fresh_candidates == 0 &&
                         model_->network.are_few(config_.world.candidates)),
      regression_(model_->network, regression_settings(config_, threads), config_.double_q, chooses_among_few_),
      shards_(regression_.shards()),
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  model_->header.data_fingerprint = simulator_->data_fingerprint;
  model_->header.config = config_to_json(given).dump();
}

void FullOutputLearner::update(std::int64_t env_steps) {
  if (replay_.size() == 0) return;
  regression_.adam().set_learning_rate(learning_rate_at(config_, share_of(config_, env_steps)));
  const std::int64_t before = updates_;
  while (updates_ < updates_due(config_, env_steps)) {
    const RandomKey key = split(batch_key_, static_cast<std::uint64_t>(updates_));
    const RegressionStats stats =
        regression_.step([this, key](std::size_t shard, std::size_t first, std::size_t count) {
          return provide(key, shard, first, count);
        });
    tally_.add_step(stats.loss, stats.gradient_norm);
    tally_.add_value(stats.mean_value / config_.reward_scale);
    if (++updates_ % config_.target_every == 0) regression_.move_target(config_.target_rate);
  }
  if (updates_ > before && !chooses_among_few_) model_->network.lay_out();  // for acting
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
  gather_user_features(simulator_->catalogue, batch, shard.user_features);
  shard.reward.resize(count);
  for (std::size_t i = 0; i < count; ++i) shard.reward[i] = config_.reward_scale * batch.reward[i];
  encode(batch.observation(), shard, shard.states);
  encode(batch.next_observation(), shard, shard.next);
  FullOutputRows rows{.states = &shard.states,
                      .next = &shard.next,
                      .action = batch.action,
                      .reward = shard.reward,
                      .discount = batch.discount,
                      .next_mask = batch.next.mask};
  if (!config_.world.has_shelf()) {
    rows.action = batch.video;
    rows.next_mask = {};
    if (chooses_among_few_) {
      list_next(shard);
      rows.next_listed = shard.listed;
    } else {
      allow_next(shard, count, split(split(key, Draw::kCandidates), index));
      rows.next_mask = shard.allowed;
    }
  }
  return rows;
}

// What s' was offered, as outputs; -1 where it may not be chosen.
void FullOutputLearner::list_next(Shard& shard) {
  const auto& next = shard.batch.next;
  shard.listed.resize(next.candidate.size());
  for (std::size_t pair = 0; pair < shard.listed.size(); ++pair)
    shard.listed[pair] = next.mask[pair] ? next.candidate[pair] : -1;
}

// What s' may choose, of all outputs: what it was offered, or a fresh draw without the videos its user has watched.
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

std::shared_ptr<const Policy> FullOutputLearner::snapshot() const {
  auto model = std::make_shared<FullOutputModel>(*model_);
  model->network.set_shards(1);
  model->network.lay_out();
  return std::make_shared<FullOutputPolicy>(std::move(model));
}

LearnerBytes FullOutputLearner::bytes() const {
  return {bytes_of(model_->network.parameters(), model_->network.embeddings()), replay_.bytes()};
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

}  // namespace swipegym
