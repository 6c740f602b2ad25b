#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "agents/sasrec/sasrec_pieces.h"
#include "agents/sasrec/sqn_network.h"
#include "nn/adam.h"

namespace swipegym {

/// Double Q-learning without a slow target network, as SQN has it: of two complete networks a fair coin picks the one
/// that learns from a batch; it chooses the next action, and the other one says what that is worth. A batch is cut into
/// shards of fixed size whose gradients are added in order; threads take shards, and their number never changes a bit.
class SqnLearner {
 public:
  struct Settings {
    SqnObjective objective;  // with value_weight 0 the first network alone learns
    AdamConfig adam;
    double dropout = 0.1;
    std::size_t transitions = 256;  // of a batch
    std::size_t shards = 4;
    std::size_t piece_rows = 512;  // worked on at once: the more, the less often the catalogue is laid out anew
    int threads = 0;
    std::uint64_t seed = 1;
  };

  /// `networks` must outlive this; nobody may use them during step().
  SqnLearner(std::array<SqnNetwork, 2>& networks, const Settings& settings);

  /// Writes transition number `index` of the batch behind what `out` holds; called from several threads, in order
  /// within a shard.
  using Provide = std::function<void(std::size_t index, Transitions& out)>;
  /// One update of one network. Throws SystemError for a loss or a gradient that is not a number, before anything is
  /// learned from it.
  SqnLosses step(std::size_t transitions, const Provide& provide);

  /// From the next step on: what the supervised loss is weighed by.
  void set_weight(ActorWeight weight) noexcept { settings_.objective.weight = weight; }
  void set_learning_rate(double rate) noexcept;
  std::int64_t updates() const noexcept { return adam_[0].steps() + adam_[1].steps(); }
  std::array<Adam, 2>& adam() noexcept { return adam_; }

 private:
  struct Piece {
    Transitions transitions;
    SqnWorkOf<float> work;
    SqnGradientsOf<float> gradients;
    SqnLosses losses;
    std::size_t first_row = 0;

    void clear() { transitions.clear(); }
    std::size_t rows() const noexcept { return transitions.state.rows(); }
  };
  void scatter(SqnNetwork& network);
  bool learns_values() const noexcept { return settings_.objective.value_weight > 0.0; }

  std::array<SqnNetwork, 2>& networks_;
  Settings settings_;
  std::array<Adam, 2> adam_;
  RandomKey dropout_key_, coin_key_;
  SequencePieces<Piece> pieces_;
  std::vector<Matrix> d_items_;  // [shards] of the item table as the supervised head's
};

}  // namespace swipegym
