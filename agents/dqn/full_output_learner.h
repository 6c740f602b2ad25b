#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/agent.h"
#include "agents/dqn/dqn_config.h"
#include "agents/dqn/full_output_regression.h"
#include "agents/learner.h"
#include "policy/value/full_output_policy.h"
#include "replay/uniform_replay.h"

namespace swipegym {

/// Outputs a full-output network may have.
inline constexpr std::size_t kMostOutputs = 10'000;

/// Rewards of several steps: it has no V(s') to average over what s' might have been offered.
inline DqnConfig full_output_defaults() {
  DqnConfig config;
  config.n_step = 5;
  return config;
}

/// Settings of `train full-output`: those of `train dqn` that are not its network's, and the hidden layers.
struct FullOutputConfig {
  DqnConfig q = full_output_defaults();  // without its network, its priorities and V(s')
  std::vector<std::size_t> full_output_hidden = {256, 256};
};

template <class Visitor>
void visit_fields(Visitor& visit, FullOutputConfig& config) {
  visit_q_learning(visit, config.q);
  visit("full_output_hidden", config.full_output_hidden, ranges::kUnits, ranges::kLayers);
}

inline const DqnConfig& acting_settings(const FullOutputConfig& config) {
  return config.q;
}
std::vector<FormerName> former_names(const FullOutputConfig& config);
inline Json former_defaults(const FullOutputConfig&) {
  return Json::parse(R"({"rewards": "drawn"})");
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const FullOutputConfig& config);
MemoryBudget training_memory(const Simulator& simulator, const FullOutputConfig& config);

/// Whether settings of `train dqn` are an earlier version's that chose this network: "full-output" then, or nothing.
std::string full_output_of_dqn(const Json& settings);

/// Deep Q-learning with one output a video, for comparison: what agent libraries do, with the states and the replay of
/// DqnLearner. Nothing is known of a video but its place. Outputs are those of a fixed shelf (candidates "top" or
/// "sample"), or of the whole catalogue ("random", "full"), of which s' may choose what it was offered, or a fresh
/// draw.
class FullOutputLearner final : public Learner {
 public:
  /// Throws InputError for "random" or "full" over a catalogue of more than kMostOutputs videos.
  FullOutputLearner(std::shared_ptr<const Simulator> simulator, const FullOutputConfig& config, std::uint64_t seed,
                    int threads);

  const Policy& policy() const noexcept override { return policy_; }
  std::shared_ptr<const Policy> snapshot() const override;
  Exploration exploration(std::int64_t env_steps) const override { return exploration_at(config_, env_steps); }
  void begin(const ObservationView& first) override { replay_.begin(first); }
  void observe(const StepView& step) override { replay_.add(step); }
  void update(std::int64_t env_steps) override;
  LearnerStats take_stats() override { return tally_.take(updates_); }
  LearnerBytes bytes() const override;
  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;

 private:
  struct Shard {
    TransitionBatch batch;
    StateEncoder::Histories histories;
    std::vector<float> user_features, reward;
    Matrix states, next;
    std::vector<std::int32_t> listed;   // [rows, candidates] what s' may choose, where that is few outputs
    std::vector<std::int32_t> drawn;    // what s' may choose from, where that is drawn anew
    std::vector<std::uint8_t> allowed;  // [rows, videos] what s' may choose, where outputs are not slots
  };
  FullOutputRows provide(RandomKey key, std::size_t shard, std::size_t first, std::size_t count);
  void encode(const ObservationView& observation, Shard& shard, Matrix& states) const;
  static void list_next(Shard& shard);
  void allow_next(Shard& shard, std::size_t count, RandomKey key) const;

  std::shared_ptr<const Simulator> simulator_;
  DqnConfig config_;
  std::shared_ptr<FullOutputModel> model_;
  StateEncoder encoder_;
  FullOutputPolicy policy_;
  UniformReplay replay_;
  bool chooses_among_few_;  // of all outputs, here and in s'
  FullOutputRegression regression_;
  std::vector<Shard> shards_;
  RandomKey batch_key_;
  std::int64_t updates_ = 0;
  LearnerTally tally_;
};

}  // namespace swipegym
