#pragma once

#include <memory>
#include <vector>

#include "agents/dqn/dqn_config.h"
#include "agents/dqn/full_output_regression.h"
#include "agents/learner.h"
#include "agents/online_checkpoint.h"
#include "policy/value/full_output_policy.h"
#include "replay/uniform_replay.h"

namespace swipegym {

/// Deep Q-learning with one output a video, for comparison: what agent libraries do, with the states and the replay of
/// DqnLearner. Nothing is known of a video but its place. Outputs are those of a fixed shelf (candidates "top" or
/// "sample"), or of the whole catalogue ("random", "full"), of which s' may choose what it was offered, or a fresh
/// draw.
class FullOutputLearner final : public Learner {
 public:
  /// Throws InputError for "random" or "full" over a catalogue of more than kMostOutputs videos.
  FullOutputLearner(std::shared_ptr<const Simulator> simulator, const DqnConfig& config, std::uint64_t seed,
                    int threads);

  const Policy& policy() const noexcept override { return policy_; }
  const FullOutputModel& model() const noexcept { return *model_; }
  const UniformReplay& replay() const noexcept { return replay_; }
  Exploration exploration(std::int64_t env_steps) const override { return exploration_at(config_, env_steps); }
  void begin(const ObservationView& first) override { replay_.begin(first); }
  void observe(const StepView& step) override { replay_.add(step); }
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override;
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

 private:
  struct Shard {
    TransitionBatch batch;
    StateEncoder::Histories histories;
    std::vector<float> user_features, reward;
    Matrix states, next;
    std::vector<std::int32_t> drawn;    // what s' may choose from, where that is drawn anew
    std::vector<std::uint8_t> allowed;  // [rows, videos] what s' may choose, where outputs are not slots
  };
  FullOutputRows provide(RandomKey key, std::size_t shard, std::size_t first, std::size_t count);
  void encode(const ObservationView& observation, Shard& shard, Matrix& states) const;
  void allow_next(Shard& shard, std::size_t count, RandomKey key) const;

  std::shared_ptr<const Simulator> simulator_;
  DqnConfig config_;
  std::shared_ptr<FullOutputModel> model_;
  StateEncoder encoder_;
  FullOutputPolicy policy_;
  UniformReplay replay_;
  FullOutputRegression regression_;
  std::vector<Shard> shards_;
  RandomKey batch_key_;
  std::int64_t updates_ = 0;
  LearnerTally tally_;
};

struct TrainedFullOutput {
  std::shared_ptr<const FullOutputModel> model;
  std::vector<RoundReport> rounds;
};

/// train_dqn() for {"network_kind": "full_output"}.
TrainedFullOutput train_full_output(std::shared_ptr<const Simulator> simulator, const DqnConfig& config,
                                    const OnlineRun& training);

}  // namespace swipegym
