#include "agents/policy_gradient/hierarchical_learner.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <numeric>

#include "agents/counters.h"
#include "agents/gradient_steps.h"
#include "agents/masked_softmax.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/hierarchical_actor.h"
#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

std::shared_ptr<HierarchicalModel> model_to_learn(const Simulator& simulator, const HierarchicalConfig& config,
                                                  std::uint64_t seed) {
  auto model = make_hierarchical_model("hierarchical", simulator.catalogue, config.network, config.actor.encoder, seed);
  model->header.data_fingerprint = simulator.data_fingerprint;
  model->header.config = config_to_json(config).dump();
  return model;
}

}  // namespace

HierarchicalLearner::HierarchicalLearner(std::shared_ptr<const Simulator> simulator, const HierarchicalConfig& config,
                                         std::uint64_t seed, int threads)
    : config_(config),
      threads_(threads),
      model_(model_to_learn(*simulator, config, seed)),
      offers_(config.actor.num_envs, model_->groups->size(), config.tag_videos),
      acting_(model_, &offers_),
      actor_(make_hierarchical_actor(model_, network_settings(config.actor, threads))),
      encoder_(config.actor.encoder, *model_->items),
      rollout_(encoder_, {.envs = config.actor.num_envs,
                          .steps = config.actor.rollout_steps,
                          .slots = offers_.slots,
                          .threads = threads}),
      critic_(make_critic(encoder_.state_size(), config.actor, split(critic_key(seed), 0), threads)),
      loss_{.clip = config.actor.clip, .entropy = config.actor.entropy},
      batch_key_(split(make_key(seed), Draw::kBatch)),
      response_(rollout_.rows()),
      value_(rollout_.state_rows()),
      advantage_(rollout_.rows()),
      target_(rollout_.rows()),
      old_log_prob_(rollout_.rows() * offers_.slots),
      all_(rollout_.rows()),
      row_results_(minibatch_rows(config.actor)) {
  std::iota(all_.begin(), all_.end(), 0U);
}

void HierarchicalLearner::before_step(const VectorEnv& env, std::span<const std::int32_t>) {
  ObservationView seen = env.observation();
  seen.candidates = offers_.slots;
  seen.candidate = offers_.candidate.data(), seen.mask = offers_.mask.data();
  rollout_.offer(seen);
}

void HierarchicalLearner::update(std::int64_t env_steps) {
  if (!rollout_.full()) return;
  ActorReport report = begin_update(config_.actor, env_steps, actor_->adam());
  actor_->score(rollout_, all_, old_log_prob_);  // of the policy that acted: it does not change between updates
  for (const std::uint32_t row : all_) {
    const std::span<float> own = std::span(old_log_prob_).subspan(row * offers_.slots, offers_.slots);
    log_probs(own, row, own);
  }
  measure_rollout(rollout_, rows_, report);
  value_steps();
  improve(report);
  reports_.push_back(std::move(report));
  ++updates_;
  rollout_.restart();
}

// log pi of every tag, and of every video that was offered within the tag. `out` may be `scores`.
void HierarchicalLearner::log_probs(std::span<const float> scores, std::size_t row, std::span<float> out) const {
  const std::size_t tags = model_->groups->size(), videos = offers_.slots - tags;
  const std::span<const std::uint8_t> mask = std::span(rollout_.mask).subspan(row * offers_.slots, offers_.slots);
  log_softmax(scores.first(tags), mask.first(tags), out.first(tags));
  log_softmax(scores.last(videos), mask.last(videos), out.last(videos));
}

void HierarchicalLearner::value_steps() {
  const ActorConfig& c = config_.actor;
  for (std::size_t row = 0; row < response_.size(); ++row) response_[row] = c.reward_scale * rollout_.reward[row];
  critic_.values(rollout_.states, value_);
  rollout_advantages(rollout_, c, response_, value_, advantage_);
  for (std::size_t row = 0; row < target_.size(); ++row) target_[row] = advantage_[row] + value_[row];
  tally_.add_value(mean_value(c, value_));
  standardise(rollout_.valid, advantage_);
}

void HierarchicalLearner::improve(ActorReport& report) {
  const std::size_t slots = offers_.slots;
  const std::array<std::size_t, 2> ends = {model_->groups->size(), slots};
  improve_policy(config_.actor, rows_, row_results_, split(batch_key_, static_cast<std::uint64_t>(updates_)), report,
                 [&](std::span<const std::uint32_t> rows) {
                   const ActorNetwork::Step step = actor_->step(
                       rollout_, rows,
                       [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
                         thread_local std::vector<float> log_prob;
                         log_prob.resize(slots);
                         const std::size_t row = rows[index];
                         log_probs(scores, row, log_prob);
                         const std::int32_t slot = rollout_.action[row];
                         const std::int32_t video = rollout_.candidate[row * slots + static_cast<std::size_t>(slot)];
                         const std::array<std::int32_t, 2> taken = {
                             model_->groups->group_of[static_cast<std::size_t>(video)], slot};
                         row_results_[index] =
                             chained_policy_loss(loss_,
                                                 {.log_prob = log_prob,
                                                  .old_log_prob = std::span(old_log_prob_).subspan(row * slots, slots),
                                                  .actions = taken,
                                                  .advantage = advantage_[row]},
                                                 ends, d_scores);
                         return row_results_[index].loss;
                       });
                   tally_.add_step(step.loss, step.gradient_norm);
                   critic_.step_towards(rollout_.states, rows, target_, config_.actor.huber_delta);
                 });
}

// It chooses among all videos of a tag: each one's vector is made once.
std::shared_ptr<const Policy> HierarchicalLearner::snapshot() const {
  auto model = std::make_shared<HierarchicalModel>(*model_);
  model->network.set_shards(1);
  model->header.temperature = config_.choice == "best" ? 0.0F : 1.0F;
  model->item_table = model->network.videos.item_table(*model->items, threads_);
  return std::make_shared<HierarchicalPolicy>(std::move(model));
}

void HierarchicalLearner::save(Hdf5Writer& file, const std::string& name) const {
  actor_->save(file, name + "/actor");
  file.write(name + "/counters", std::vector<std::int64_t>{updates_, actor_->adam().steps()});
  critic_.save(file, name + "/critic");
  save_reports(file, name + "/reports", reports_);
}

void HierarchicalLearner::load(const Hdf5Reader& file, const std::string& name) {
  actor_->load(file, name + "/actor");
  const std::vector<std::int64_t> counters = read_counters(file, name + "/counters", 2);
  updates_ = counters[0];
  actor_->adam().set_steps(counters[1]);
  critic_.load(file, name + "/critic");
  reports_ = load_reports(file, name + "/reports", 0);
  take_stats();
}

}  // namespace swipegym
