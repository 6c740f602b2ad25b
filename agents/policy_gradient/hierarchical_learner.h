#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/learner.h"
#include "agents/policy_gradient/actor_network.h"
#include "agents/policy_gradient/actor_reports.h"
#include "agents/policy_gradient/hierarchical_config.h"
#include "agents/policy_gradient/policy_loss.h"
#include "agents/policy_gradient/rollout.h"
#include "agents/state_network.h"
#include "policy/value/hierarchical_policy.h"

namespace swipegym {

/// PPO over every video of a catalogue in two small choices: a tag of all tags, then one of at most `tag_videos` videos
/// of that tag, drawn uniformly anew for each step. How these are drawn depends on no weight, so the gradient of
///
///   log pi(tag | s) + log pi(video | s, those drawn)
///
/// is that of the whole choice: the clipped ratio is of this sum, and moves both networks. (A tree-structured policy of
/// two levels: Chen et al., AAAI 2019, whose leaves are a balanced clustering of items; here they are a tag's videos,
/// of which there may be any number.) What it publishes chooses among all videos of the tag.
class HierarchicalLearner final : public Learner {
 public:
  HierarchicalLearner(std::shared_ptr<const Simulator> simulator, const HierarchicalConfig& config, std::uint64_t seed,
                      int threads);

  const Policy& policy() const noexcept override { return acting_; }
  std::shared_ptr<const Policy> snapshot() const override;
  Exploration exploration(std::int64_t) const override { return {}; }  // it draws by itself
  void begin(const ObservationView& first) override { rollout_.begin(first); }
  void before_step(const VectorEnv& env, std::span<const std::int32_t> actions) override;
  void observe(const StepView& step) override { rollout_.add(step, {}); }
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override { return tally_.take(updates_); }
  std::vector<AgentFigure> figures(std::int64_t begin, std::int64_t end) const override {
    return figures_of(reports_, {}, begin, end);
  }
  Json details() const override { return updates_json(reports_); }
  LearnerBytes bytes() const override { return {.network = actor_->bytes()}; }
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

  const HierarchicalModel& model() const noexcept { return *model_; }

 private:
  void log_probs(std::span<const float> scores, std::size_t row, std::span<float> out) const;
  void value_steps();
  void improve(ActorReport& report);

  HierarchicalConfig config_;
  int threads_;
  std::shared_ptr<HierarchicalModel> model_;
  TagOffers offers_;           // of the steps about to be taken
  HierarchicalPolicy acting_;  // leaves them there
  std::unique_ptr<ActorNetwork> actor_;
  StateEncoder encoder_;
  Rollout rollout_;
  StateNetwork critic_;
  PolicyLoss loss_;
  RandomKey batch_key_;

  std::vector<ActorReport> reports_;
  std::int64_t updates_ = 0;
  LearnerTally tally_;

  // Of the rollout under update.
  std::vector<float> response_, value_, advantage_, target_, old_log_prob_;
  std::vector<std::uint32_t> all_, rows_;     // every row; the valid ones
  std::vector<PolicyRowResult> row_results_;  // of a minibatch
};

}  // namespace swipegym
