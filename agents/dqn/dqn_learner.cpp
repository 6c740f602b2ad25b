#include "agents/dqn/dqn_learner.h"

#include <algorithm>
#include <cmath>

#include "agents/counters.h"
#include "agents/training_memory.h"
#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

// Up to this many videos the target network's vectors are computed once a copy instead of once a batch.
constexpr std::size_t kTableVideos = 100'000;
constexpr std::uint64_t kStateValueKey = 100;  // its first weights are drawn apart from the network's

// work.values of pairs whose states, videos and cross features lie in `work`, `per_state` of each state.
void value_pairs(const ValueModel& model, std::size_t pairs, std::size_t per_state, ValueNetwork::Work& work) {
  model.network.forward_states(*model.items, work);
  const bool has_table = model.item_table.size() > 0;
  if (!has_table) model.network.forward_items(*model.items, work);
  work.values.resize(pairs);
  model.network.combine(has_table ? model.item_table : work.item.output(), has_table, pairs, per_state, work,
                        work.values);
}

ActBy act_by(const DqnConfig& config) {
  if (config.exploration == "thompson") return {.kind = ActBy::Kind::kMember};
  if (config.exploration == "ucb") return {.kind = ActBy::Kind::kUpper, .deviations = config.ucb_deviations};
  return {};
}

}  // namespace

DqnLearner::DqnLearner(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, std::uint64_t seed,
                       int threads)
    : simulator_(std::move(simulator)),
      config_(config),
      threads_(threads),
      model_(make_value_model("dqn", simulator_->catalogue, config.network, config.encoder, seed)),
      target_(std::make_shared<ValueModel>(*model_)),
      encoder_(make_state_encoder(*model_)),
      policy_(config.world.offers_all() ? target_ : model_, act_by(config)),
      replay_(simulator_, replay_config(config)),
      regression_(*model_, regression_settings(config, threads)),
      shards_(regression_.shards()),
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  model_->header.data_fingerprint = simulator_->data_fingerprint;
  model_->header.config = config_to_json(config).dump();
  const PrioritisedReplayConfig& p = config.prioritised;
  if (p.enabled)
    priorities_.emplace(replay_,
                        PriorityConfig{.alpha = p.alpha, .error_floor = p.error_floor, .error_limit = p.error_limit});
  if (config.state_value && config.discount > 0.0F)
    state_value_.emplace(model_->network.state_inputs(), config, threads,
                         split(split(make_key(seed), Draw::kInit), kStateValueKey));
  move_target();
}

void DqnLearner::begin(const ObservationView& first) {
  replay_.begin(first);
  if (priorities_) priorities_->follow(replay_);
}

void DqnLearner::observe(const StepView& step) {
  replay_.add(step);
  if (priorities_) priorities_->follow(replay_);
}

float DqnLearner::beta() const {
  const std::int64_t updates = (config_.env_steps - config_.learning_starts) / config_.steps_per_update;
  const float share = updates > 0 ? std::min(1.0F, static_cast<float>(updates_) / static_cast<float>(updates)) : 1.0F;
  return config_.prioritised.beta + share * (1.0F - config_.prioritised.beta);
}

void DqnLearner::move_target() {
  move_target_towards(target_->network, model_->network, config_.target_rate);
  regression_.centre(target_->network);
  renew_table();
}

void DqnLearner::renew_table() {
  const bool serves_targets = config_.discount > 0.0F && model_->items->num_videos() <= kTableVideos;
  if (serves_targets || config_.world.offers_all())
    target_->item_table = target_->network.item_table(*target_->items, threads_);
}

void DqnLearner::update(std::int64_t env_steps) {
  if (replay_.size() == 0) return;
  regression_.adam().set_learning_rate(learning_rate_at(config_, share_of(config_, env_steps)));
  while (updates_ < updates_due(config_, env_steps)) one_update();
}

void DqnLearner::one_update() {
  sample_key_ = split(batch_key_, static_cast<std::uint64_t>(updates_));
  if (priorities_) priorities_->draw(replay_, sample_key_, config_.batch, beta(), drawn_);
  const RegressionStats stats = regression_.step(
      [this](std::size_t shard, std::size_t first, std::size_t count) { return provide(shard, first, count); });
  if (state_value_) state_value_->step(regression_.adam().config().learning_rate);
  if (priorities_) priorities_->update(replay_, drawn_.id, regression_.errors());
  tally_.add_step(stats.loss, stats.gradient_norm);
  tally_.add_value(stats.mean_value / config_.reward_scale);
  if (++updates_ % config_.target_every == 0) move_target();
}

RegressionRows DqnLearner::provide(std::size_t index, std::size_t first, std::size_t count) {
  Shard& shard = shards_[index];
  SampleRequest request;
  request.count = count;
  request.key = sample_key_;
  request.first_row = first;
  request.n_step = config_.n_step;
  request.discount = config_.discount;
  request.next = config_.discount > 0.0F;
  if (priorities_)
    replay_.gather({drawn_.id.data() + first, count}, request, shard.batch);
  else
    replay_.sample(request, shard.batch);

  gather_user_features(simulator_->catalogue, shard.batch, shard.user_features);
  shard.next_value.assign(count, 0.0F);
  if (request.next) {
    if (config_.fresh_candidates > 0)
      shard.maximum.draw(model_->items->num_videos(), config_.fresh_candidates,
                         split(split(sample_key_, Draw::kCandidates), index));
    value_next(shard);
    if (state_value_) {
      const ValueNetwork::Work& judged = config_.fresh_candidates > 0 ? shard.maximum.judged() : shard.target_pass;
      state_value_->smooth(first, target_->network.read_states(judged), shard.next_value);
    }
  }
  shard.target.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    shard.target[i] = config_.reward_scale * shard.batch.reward[i] + shard.batch.discount[i] * shard.next_value[i];

  RegressionRows rows{.observation = shard.batch.observation(),
                      .video = shard.batch.video,
                      .target = shard.target,
                      .id = shard.batch.id};
  rows.observation.user_features = shard.user_features.data();
  if (priorities_) rows.weight = {drawn_.weight.data() + first, count};
  return rows;
}

void DqnLearner::choose_next(Shard& shard, const ValueModel& model, ValueNetwork::Work& work) const {
  const std::size_t m = config_.world.candidates, rows = shard.batch.rows, pairs = rows * m;
  const SampledStates& next = shard.batch.next;
  work.videos.assign(next.candidate.begin(), next.candidate.end());
  work.cross.resize(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(StateEncoder::kCross));
  for (std::size_t pair = 0; pair < pairs; ++pair)
    encoder_.cross(work.states, work.histories, pair / m, work.videos[pair],
                   work.cross.data() + pair * StateEncoder::kCross);
  value_pairs(model, pairs, m, work);
}

void DqnLearner::value_next(Shard& shard) const {
  const std::size_t rows = shard.batch.rows;
  ObservationView next = shard.batch.next_observation();
  next.user_features = shard.user_features.data();
  ValueNetwork::Work& chooser = config_.double_q ? shard.online_pass : shard.target_pass;
  chooser.states.resize(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(next, 0, rows, chooser.states, chooser.histories);
  if (config_.fresh_candidates > 0)
    shard.maximum.value(config_.double_q ? *model_ : *target_, *target_, simulator_->population, shard.batch, chooser,
                        shard.next_value);
  else
    value_offered(shard);
}

void DqnLearner::value_offered(Shard& shard) const {
  const std::size_t m = config_.world.candidates, rows = shard.batch.rows;
  ValueNetwork::Work& chooser = config_.double_q ? shard.online_pass : shard.target_pass;
  choose_next(shard, config_.double_q ? *model_ : *target_, chooser);

  // The best allowed candidate of each s'; a state that allows none is worth nothing more.
  std::vector<std::int32_t> best(rows, -1);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t slot = 0; slot < m; ++slot) {
      const std::size_t pair = i * m + slot;
      if (!shard.batch.next.mask[pair]) continue;
      if (best[i] < 0 || chooser.values[pair] > chooser.values[static_cast<std::size_t>(best[i])])
        best[i] = static_cast<std::int32_t>(pair);
    }
  if (!config_.double_q) {
    for (std::size_t i = 0; i < rows; ++i)
      if (best[i] >= 0) shard.next_value[i] = chooser.values[static_cast<std::size_t>(best[i])];
    return;
  }
  ValueNetwork::Work& judge = shard.target_pass;
  judge.videos.resize(rows);
  judge.cross.resize(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(StateEncoder::kCross));
  for (std::size_t i = 0; i < rows; ++i) {
    const auto pair = static_cast<Eigen::Index>(best[i] >= 0 ? static_cast<std::size_t>(best[i]) : i * m);
    judge.videos[i] = chooser.videos[static_cast<std::size_t>(pair)];
    judge.cross.row(static_cast<Eigen::Index>(i)) = chooser.cross.row(pair);
  }
  std::swap(judge.states, chooser.states);
  std::swap(judge.histories.watched, chooser.histories.watched);
  value_pairs(*target_, rows, 1, judge);
  for (std::size_t i = 0; i < rows; ++i)
    if (best[i] >= 0) shard.next_value[i] = judge.values[i];
}

// A product is searched by its table of all videos.
std::shared_ptr<const Policy> DqnLearner::snapshot() const {
  auto model = std::make_shared<ValueModel>(*model_);
  model->network.set_shards(1);
  if (model->is_product()) model->item_table = model->network.item_table(*model->items, threads_);
  return std::make_shared<ValuePolicy>(std::move(model));
}

LearnerBytes DqnLearner::bytes() const {
  return {bytes_of(model_->network.parameters(), model_->network.embeddings()), replay_.bytes()};
}

void DqnLearner::save(Hdf5Writer& file, const std::string& name) const {
  model_->network.save(file, name + "/online", /*moments=*/true);
  target_->network.save(file, name + "/target", /*moments=*/false);
  file.write(name + "/counters", std::vector<std::int64_t>{updates_, regression_.adam().steps()});
  replay_.save(file, name + "/replay");
  if (state_value_) state_value_->save(file, name + "/state_value");
  if (priorities_) priorities_->save(file, name + "/priorities");
}

void DqnLearner::load(const Hdf5Reader& file, const std::string& name) {
  model_->network.load(file, name + "/online");
  target_->network.load(file, name + "/target");
  const std::vector<std::int64_t> counters = read_counters(file, name + "/counters", 2);
  updates_ = counters[0];
  regression_.adam().set_steps(counters[1]);
  regression_.centre(model_->network);
  regression_.centre(target_->network);
  if (state_value_) state_value_->load(file, name + "/state_value");
  replay_.load(file, name + "/replay");
  if (priorities_) priorities_->load(file, name + "/priorities", replay_);
  renew_table();
  take_stats();
}

}  // namespace swipegym
