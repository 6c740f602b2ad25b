#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "agents/gradient_steps.h"
#include "nn/adam.h"
#include "policy/value/value_policy.h"

namespace swipegym {

/// What the outputs of a network with several learn.
enum class OutputMeaning : std::uint8_t {
  kQuantiles,  // of the target (quantile_huber, a width of 1)
  kMembers     // the target, each from the half of the rows that a coin leaves it (Osband et al., "Deep exploration via
               // bootstrapped DQN", NIPS 2016)
};

/// Examples for a ValueModel: what the state was, which video was shown, what value it should have had.
struct RegressionRows {
  ObservationView observation;  // rows in order; user_features must be set, candidates are not looked at
  std::span<const std::int32_t> video;
  std::span<const float> target;
  std::span<const float> weight = {};      // what each counts for in the loss; empty: 1
  std::span<const std::uint64_t> id = {};  // of each for its coins; needed by members alone
};

struct RegressionStats {
  double loss = 0.0;           // mean Huber loss of the batch
  double mean_value = 0.0;     // mean prediction
  double gradient_norm = 0.0;  // before clipping
};

struct RegressionSettings {
  AdamConfig adam;
  float huber_delta = 1.0F;
  OutputMeaning outputs_are = OutputMeaning::kQuantiles;  // where the network has several
  std::size_t batch = 512;
  std::size_t shard_rows = 128;
  int threads = 0;
};
/// Of an agent's or a trainer's settings.
template <class Config>
RegressionSettings regression_settings(const Config& config, int threads) {
  RegressionSettings settings{
      .adam = adam_of(config), .huber_delta = config.huber_delta, .batch = config.batch, .threads = threads};
  if constexpr (requires { config.outputs_are; })
    settings.outputs_are = config.outputs_are == "members" ? OutputMeaning::kMembers : OutputMeaning::kQuantiles;
  return settings;
}

/// The values of a shard's rows and what they should have been, [rows, 1]; with several outputs these, [rows, outputs],
/// and else none. The derivative is of the outputs where there are some.
struct RegressionShard {
  Matrix value, target, outputs, d_value;
  double loss = 0.0, value_sum = 0.0;

  /// The rows' loss as a part of the batch's, its derivative, and value - target of each: Huber's of the values, or
  /// where there are several outputs theirs. `id` is read for members alone.
  void judge(const RegressionSettings& settings, std::span<const float> weight, std::span<const std::uint64_t> id,
             std::span<float> errors);
};
/// What a step says of itself before its gradient is known.
template <class Shard>
RegressionStats sum_of(const std::vector<Shard>& shards, const RegressionSettings& settings) {
  RegressionStats stats;
  for (const Shard& shard : shards) {
    stats.loss += shard.rows.loss;
    stats.mean_value += shard.rows.value_sum / static_cast<double>(settings.batch);
  }
  return stats;
}

/// Huber regression of a ValueModel by Adam. A batch is cut into shards of fixed size, whose gradients are added in
/// order: threads take shards, and their number never changes a bit.
class ValueRegression {
 public:
  /// `model` must outlive this; nobody may use it during step().
  ValueRegression(ValueModel& model, const RegressionSettings& settings);

  /// Provides rows [first, first + count) of the batch, for shard `shard`; called from several threads, one a shard.
  /// The views must stay valid until step() returns.
  using Provide = std::function<RegressionRows(std::size_t shard, std::size_t first, std::size_t count)>;
  RegressionStats step(const Provide& provide);

  /// Of the last step's rows, before it: value - target.
  std::span<const float> errors() const noexcept { return errors_; }
  /// With dueling, makes the means that `network` (the model's or one of its shape) is centred on those of its present
  /// weights: for copies. The model's own are kept so by step().
  void centre(ValueNetwork& network);

  std::size_t shards() const noexcept { return shards_.size(); }
  Adam& adam() noexcept { return adam_; }
  const Adam& adam() const noexcept { return adam_; }

 private:
  struct Shard {
    ValueNetwork::Work work;
    RegressionShard rows;
  };
  void centre_gradient();
  void run_shard(std::size_t index, const Provide& provide);

  ValueModel& model_;
  RegressionSettings settings_;
  StateEncoder encoder_;
  Adam adam_;
  std::vector<Shard> shards_;
  std::vector<float> errors_;
  ValueNetwork::Work reference_;  // of the videos that dueling is centred on; none without
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
};

}  // namespace swipegym
