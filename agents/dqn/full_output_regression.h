#pragma once

#include <functional>
#include <span>
#include <vector>

#include "agents/value_regression.h"
#include "nn/adam.h"
#include "policy/value/full_output_policy.h"

namespace swipegym {

/// Transitions for a network with one output an action.
struct FullOutputRows {
  const Matrix* states = nullptr;  // [rows, inputs]
  const Matrix* next = nullptr;    // [rows, inputs] s'
  std::span<const std::int32_t> action;
  std::span<const float> reward;                   // in scaled units
  std::span<const float> discount;                 // what the value of s' counts for
  std::span<const std::uint8_t> next_mask = {};    // [rows, actions], 1 = may be chosen in s'; empty: all may
  std::span<const std::int32_t> next_listed = {};  // [rows, listed] what may be chosen in s' instead; -1: nothing
  std::span<const float> weight = {};              // in the loss; empty: 1
};

/// Q-learning of a FullOutputNetwork by Adam on the Huber loss, with a target network, plain or double. A batch is cut
/// into shards of fixed size as in ValueRegression: threads never change a bit. Of the output layer, rows of actions
/// that no transition of the batch took keep their weights and moments (lazy Adam).
class FullOutputRegression {
 public:
  /// `online` must outlive this; nobody may use it during step(). `listed`: rows list what s' may choose, few of all
  /// actions, and no pass over all of them is made.
  FullOutputRegression(FullOutputNetwork& online, const RegressionSettings& settings, bool double_q, bool listed);

  /// Provides rows [first, first + count) of the batch, for shard `shard`; called from several threads, one a shard.
  /// The views must stay valid until step() returns.
  using Provide = std::function<FullOutputRows(std::size_t shard, std::size_t first, std::size_t count)>;
  RegressionStats step(const Provide& provide);
  /// target += rate * (online - target); a copy for rate 1.
  void move_target(float rate);

  /// Of the last step's rows, before it: value - target.
  std::span<const float> errors() const noexcept { return errors_; }
  std::size_t shards() const noexcept { return shards_.size(); }
  Adam& adam() noexcept { return adam_; }
  const Adam& adam() const noexcept { return adam_; }
  FullOutputNetwork& target() noexcept { return target_; }
  const FullOutputNetwork& target() const noexcept { return target_; }

 private:
  struct Shard {
    FullOutputNetwork::Work online, next;
    RegressionShard rows;
    Matrix all;                       // values of all actions of s', or
    std::vector<float> listed_value;  // of those listed
    std::vector<std::int32_t> best;
    std::vector<float> next_value;
  };
  void choose_among_all(const FullOutputRows& rows, Shard& shard) const;
  void choose_among_listed(const FullOutputRows& rows, Shard& shard) const;
  void value_next(const FullOutputRows& rows, Shard& shard) const;
  void run_shard(std::size_t index, const Provide& provide);

  FullOutputNetwork& online_;
  FullOutputNetwork target_;
  RegressionSettings settings_;
  bool double_q_, listed_;
  Adam adam_;
  std::vector<Shard> shards_;
  std::vector<float> errors_;
  std::vector<FullOutputNetwork::Work*> work_;  // of each shard
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
};

}  // namespace swipegym
