#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agents/agent.h"
#include "agents/dqn/dqn_config.h"
#include "agents/dqn/fresh_maximum.h"
#include "agents/dqn/state_value.h"
#include "agents/learner.h"
#include "agents/value_regression.h"
#include "replay/priority_sampler.h"
#include "replay/uniform_replay.h"

namespace swipegym {

/// Deep Q-learning over candidate sets (Mnih et al. 2015; double: van Hasselt et al. 2016) with a network that reads
/// videos by their features (ValueNetwork).
///
///   y = r + discount^n Q'(s', a*),  a* = argmax over the allowed candidates of s' of Q (double) or Q'
///
/// The maximum runs over the candidate set that s' was offered, masked slots left out, or over fresh draws of it
/// (FreshMaximum), or of the mean over such sets (StateValue); where the user left y = r, and a truncated session
/// bootstraps from its last observation. With expected rewards every step does: what comes later counts for the
/// probability that the user stays, at each of the n steps. With the full catalogue it acts by the target network,
/// which has a table of all videos to search.
class DqnLearner final : public Learner {
 public:
  DqnLearner(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, std::uint64_t seed, int threads);

  const Policy& policy() const noexcept override { return policy_; }
  std::shared_ptr<const Policy> snapshot() const override;
  Exploration exploration(std::int64_t env_steps) const override { return exploration_at(config_, env_steps); }
  void begin(const ObservationView& first) override;
  void observe(const StepView& step) override;
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override { return tally_.take(updates_); }
  LearnerBytes bytes() const override;
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

 private:
  /// What one shard of a batch needs; shards run on different threads.
  struct Shard {
    TransitionBatch batch;
    std::vector<float> user_features, target;
    ValueNetwork::Work online_pass, target_pass;  // passes over s' of the learning and of the target network
    FreshMaximum maximum;
    std::vector<float> next_value;
  };

  RegressionRows provide(std::size_t shard, std::size_t first, std::size_t count);
  void value_next(Shard& shard) const;
  void value_offered(Shard& shard) const;
  void choose_next(Shard& shard, const ValueModel& model, ValueNetwork::Work& work) const;
  void one_update();
  float beta() const;
  void move_target();
  void renew_table();

  std::shared_ptr<const Simulator> simulator_;
  DqnConfig config_;
  int threads_;
  std::shared_ptr<ValueModel> model_;
  std::shared_ptr<ValueModel> target_;  // its table is renewed with it; none on a large catalogue of candidates
  StateEncoder encoder_;
  ValuePolicy policy_;
  UniformReplay replay_;
  std::optional<PrioritySampler> priorities_;  // none: every transition alike
  PriorityDraw drawn_;                         // of the batch under way
  ValueRegression regression_;
  std::optional<StateValue> state_value_;  // none: the maximum over the one set that s' was offered
  std::vector<Shard> shards_;
  RandomKey batch_key_, sample_key_;
  std::int64_t updates_ = 0;
  LearnerTally tally_;
};

}  // namespace swipegym
