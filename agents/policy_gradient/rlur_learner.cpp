#include "agents/policy_gradient/rlur_learner.h"

#include <algorithm>
#include <numeric>

#include "agents/counters.h"
#include "agents/training_memory.h"
#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr std::size_t kReturnColumns = 4;  // of ReturnSums in a file

// A checkpoint's sums of returns, of each update.
struct StoredReturns {
  std::size_t updates;
  std::vector<double> values;
  void validate() const {
    require_size("returns", values.size(), kReturnColumns * updates);
    require_between("returns", std::span(values), -1e30, 1e30);
  }
};

// Returns are foretold by the user, the context and what was watched lately, not by tags: their columns are most of a
// state's, and a few ten thousand returns cannot tell them from noise.
std::size_t columns_before_tags(const StateEncoderConfig& encoder) noexcept {
  return 2 * StateEncoder::state_size(encoder, 1) - StateEncoder::state_size(encoder, 2);
}

}  // namespace

void check(const RlurConfig& c) {
  check_ranges(c);
  check(c.actor);
  const RewardWeights& reward = c.actor.world.reward;
  constexpr const char* kNone = "0: 'retention.weight' says what a return counts";
  require_setting(reward.return_day == 0.0F, "world.reward.return_day", reward.return_day, kNone);
  require_setting(reward.gap_h == 0.0F, "world.reward.gap_h", reward.gap_h, kNone);
}

MemoryBudget training_memory(const Simulator& simulator, const RlurConfig& c) {
  MemoryBudget budget = training_memory(simulator, c.actor);
  const std::size_t state_size = StateEncoder::state_size(c.actor.encoder, simulator.catalogue.num_tags);
  budget.add("the states their sessions end in",
             product_of({c.actor.num_envs, c.actor.rollout_steps, state_size, sizeof(float)}),
             "num_envs or rollout_steps");
  add_critics(budget, simulator, c.actor, 2, c.retention.hidden, "retention.hidden");
  return budget;
}

VectorEnv make_returning_env(std::shared_ptr<const Simulator> simulator, const RlurConfig& config, int threads) {
  const ActorConfig& c = config.actor;
  return make_env(std::move(simulator), c.world,
                  {.num_envs = c.num_envs,
                   .threads = threads,
                   .autoreset = AutoresetMode::kDisabled,
                   .rewards = reward_kind(c.rewards),
                   .pessimism = c.pessimism,
                   .draw_gaps = true});
}

Agent rlur_agent(const RlurConfig& config) {
  Agent agent = make_agent<RlurLearner>(config);
  agent.make_env = [config](std::shared_ptr<const Simulator> simulator, int threads) {
    return make_returning_env(std::move(simulator), config, threads);
  };
  return agent;
}

RlurLearner::RlurLearner(const std::shared_ptr<const Simulator>& simulator, const RlurConfig& config,
                         std::uint64_t seed, int threads)
    : config_(config),
      loss_({.clip = config.actor.clip, .entropy = config.actor.entropy}),
      actor_(make_value_actor(*simulator, config.actor, "rlur", seed, network_settings(config.actor, threads),
                              config_to_json(config))),
      encoder_(config.actor.encoder, actor_->items()),
      rollout_(encoder_, {.envs = config.actor.num_envs,
                          .steps = config.actor.rollout_steps,
                          .slots = config.actor.world.candidates,
                          .returns = true,
                          .threads = threads}),
      critic_(make_critic(encoder_.state_size(), config.actor, split(critic_key(seed), 0), threads)),
      returns_(config.retention, encoder_.state_size(), columns_before_tags(config.actor.encoder),
               minibatch_rows(config.actor), split(critic_key(seed), 1), threads),
      batch_key_(split(make_key(seed), Draw::kBatch)) {
  const std::size_t rows = rollout_.rows();
  response_.resize(rows), value_.resize(rollout_.state_rows()), next_value_.resize(rows), target_.resize(rows);
  advantage_.resize(rows), return_advantage_.resize(rows);
  old_log_prob_.resize(rows * config.actor.world.candidates);
  all_.resize(rows);
  std::iota(all_.begin(), all_.end(), 0U);
  row_results_.resize(minibatch_rows(config.actor));
}

void RlurLearner::begin(const ObservationView& first) {
  rollout_.begin(first);
  actor_->begin(first);
}

void RlurLearner::observe(const StepView& step) {
  rollout_.add(step, {});
  actor_->observe(step.observation);
}

void RlurLearner::come_back(const ObservationView& now, std::span<const std::uint8_t> back) {
  rollout_.come_back(now, back);
}

void RlurLearner::update(std::int64_t env_steps) {
  if (!rollout_.full()) return;
  ActorReport report = begin_update(config_.actor, env_steps, actor_->adam());
  measure_rollout(rollout_, rows_, report);
  actor_->score(rollout_, all_, old_log_prob_);  // of the policy that acted: it does not change between updates
  scores_to_log_probs(rollout_, all_, old_log_prob_);
  value_rewards();
  returns_.value(rollout_, return_advantage_);
  combine_advantages();
  improve(report);
  reports_.push_back(std::move(report));
  return_sums_.push_back(returns_.sums());
  actor_->restart();
  rollout_.restart();
}

// The world's reward, behind whose session nothing follows.
void RlurLearner::value_rewards() {
  const ActorConfig& c = config_.actor;
  const std::size_t rows = rollout_.rows(), envs = c.num_envs, ended = rollout_.left_by.size();
  for (std::size_t row = 0; row < rows; ++row) response_[row] = c.reward_scale * rollout_.reward[row];
  ended_value_.resize(ended);
  critic_.values(rollout_.states, value_);
  critic_.values(rollout_.left.topRows(static_cast<Eigen::Index>(ended)), ended_value_);
  std::copy(value_.begin() + static_cast<std::ptrdiff_t>(envs), value_.end(), next_value_.begin());
  for (std::size_t i = 0; i < ended; ++i) next_value_[rollout_.left_by[i]] = ended_value_[i];
  rollout_advantages(rollout_, c, response_, value_, advantage_, next_value_);
  for (std::size_t row = 0; row < rows; ++row) target_[row] = advantage_[row] + value_[row];
  tally_.add_value(mean_value(c, value_));
}

void RlurLearner::combine_advantages() {
  const float weight = config_.actor.reward_scale * config_.retention.weight;
  for (std::size_t row = 0; row < advantage_.size(); ++row) advantage_[row] += weight * return_advantage_[row];
  standardise(rollout_.valid, advantage_);
}

void RlurLearner::improve(ActorReport& report) {
  const ActorConfig& c = config_.actor;
  const std::size_t m = rollout_.shape().slots;
  const RandomKey key = split(batch_key_, static_cast<std::uint64_t>(reports_.size()));
  improve_policy(c, rows_, row_results_, key, report, [&](std::span<const std::uint32_t> rows) {
    const ActorNetwork::Step step =
        actor_->step(rollout_, rows, [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
          thread_local std::vector<float> log_prob;
          log_prob.resize(m);
          const std::size_t row = rows[index];
          log_softmax(scores, std::span(rollout_.mask).subspan(row * m, m), log_prob);
          row_results_[index] = policy_loss(loss_,
                                            {.log_prob = log_prob,
                                             .old_log_prob = std::span(old_log_prob_).subspan(row * m, m),
                                             .actions = std::span(rollout_.action).subspan(row, 1),
                                             .advantage = advantage_[row]},
                                            d_scores);
          return row_results_[index].loss;
        });
    tally_.add_step(step.loss, step.gradient_norm);
    critic_.step_towards(rollout_.states, rows, target_, c.huber_delta);
    returns_.learn_values(rollout_, rows);
  });
  returns_.learn_returns(rollout_, c.epochs, split(key, static_cast<std::uint64_t>(c.epochs)));
}

std::vector<AgentFigure> RlurLearner::figures(std::int64_t begin, std::int64_t end) const {
  std::vector<AgentFigure> figures = figures_of(reports_, {}, begin, end);
  ReturnSums sums;
  for (std::size_t i = 0; i < reports_.size(); ++i)
    if (reports_[i].env_steps > begin && reports_[i].env_steps <= end) sums += return_sums_[i];
  const bool day = config_.retention.reward == "day";
  figures.push_back({"returns",
                     day ? "users who left and were back within a day (share)" : "minus the days until users came back",
                     day ? "back in a day" : "- days away", sums.mean(), 4});
  figures.push_back(
      {"habit", "share of the returns' variance that user features foretold", "habit", sums.explained(), 3});
  return figures;
}

Json RlurLearner::details() const {
  Json all = updates_json(reports_);
  for (std::size_t i = 0; i < reports_.size(); ++i)
    if (return_sums_[i].sessions > 0.0) all["updates"][i]["returns"] = return_sums_[i].mean();
  return all;
}

void RlurLearner::save(Hdf5Writer& file, const std::string& name) const {
  actor_->save(file, name + "/actor");
  critic_.save(file, name + "/critic");
  returns_.save(file, name + "/returns");
  file.write(name + "/steps", std::vector<std::int64_t>{actor_->adam().steps()});
  std::vector<double> sums;
  for (const ReturnSums& one : return_sums_)
    sums.insert(sums.end(), {one.sessions, one.worth, one.square, one.residual});
  file.write(name + "/return_sums", sums);
  save_reports(file, name + "/reports", reports_);
}

void RlurLearner::load(const Hdf5Reader& file, const std::string& name) {
  actor_->load(file, name + "/actor");
  critic_.load(file, name + "/critic");
  returns_.load(file, name + "/returns");
  actor_->adam().set_steps(read_counters(file, name + "/steps", 1)[0]);
  reports_ = load_reports(file, name + "/reports", 0);
  const std::vector<double> sums =
      file.checked(StoredReturns{reports_.size(), file.read<double>(name + "/return_sums")}).values;
  return_sums_.clear();
  for (std::size_t i = 0; i < sums.size(); i += kReturnColumns)
    return_sums_.push_back({.sessions = sums[i], .worth = sums[i + 1], .square = sums[i + 2], .residual = sums[i + 3]});
  take_stats();
}

}  // namespace swipegym
