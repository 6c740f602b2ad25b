#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agents/sasrec/sasrec_pieces.h"
#include "agents/sasrec/train_sasrec.h"
#include "agents/supervised_task.h"
#include "nn/adam.h"
#include "policy/sasrec/sasrec_network.h"

namespace swipegym {

/// A few histories of a batch with what is to be learned from them.
struct SasrecExamples {
  PackedHistories histories;
  std::vector<std::int32_t> target;     // [rows] the next video's item, -1: none; empty: nothing is learned of it
  std::vector<std::int32_t> negatives;  // [rows, k]; empty with softmax
  // Candidates with the user's answer; see SasrecNetworkOf::forward_heads.
  std::vector<std::int32_t> state, item, author, tag, user;
  Matrix features;                   // [candidates, candidate features]
  std::vector<float> binary, ratio;  // [candidates] labels

  void clear();
};

struct SasrecLosses {
  double next = 0.0, binary = 0.0, ratio = 0.0;  // means over their rows; 0 where the batch has none
  double targets = 0.0, candidates = 0.0;        // such rows in the batch
  double total = 0.0;                            // weighted
  double gradient_norm = 0.0;
};

/// Minimises the losses of a SasrecNetwork by Adam. A batch is cut into shards of fixed size whose gradients are added
/// in order; threads take shards, and their number never changes a bit.
class SasrecLearner {
 public:
  struct Settings {
    AdamConfig adam;
    double dropout = 0.2, attention_dropout = 0.0, head_dropout = 0.0;
    double next_weight = 1.0, binary_weight = 0.0, ratio_weight = 0.0;
    bool softmax = false;         // next video by cross entropy over all items instead of negatives
    float huber_delta = 1.0F;     // of the ratio's loss; 0: squared errors
    std::size_t sequences = 128;  // of a batch
    std::size_t shards = 8;
    std::size_t piece_rows = 128;  // worked on at once, so that activations stay in the second cache
    int threads = 0;
    std::uint64_t seed = 1;
  };

  /// `network` must outlive this; nobody may use it during step().
  SasrecLearner(SasrecNetwork& network, const Settings& settings);

  /// Writes example number `sequence` of the batch behind what `out` holds; called from several threads, in order
  /// within a shard.
  using Provide = std::function<void(std::size_t sequence, SasrecExamples& out)>;
  /// One step. A loss that is not a number leaves the network as it was and throws SystemError naming step and layer.
  SasrecLosses step(const Provide& provide);
  /// The losses of a batch, without dropout and without learning.
  SasrecLosses evaluate(std::size_t sequences, const Provide& provide);

  Adam& adam() noexcept { return adam_; }
  const Settings& settings() const noexcept { return settings_; }

 private:
  struct Piece {
    SasrecExamples examples;
    SasrecWorkOf<float> work;
    SasrecGradientsOf<float> gradients;
    Matrix d_states, d_head;
    double next = 0.0, binary = 0.0, ratio = 0.0;
    std::size_t first_row = 0;

    void clear() { examples.clear(); }
    std::size_t rows() const noexcept { return examples.histories.rows(); }
  };
  struct Totals {
    double targets = 0.0, candidates = 0.0;
  };

  void assemble(std::size_t sequences, const Provide& provide);
  Totals count() const;
  void forward(Piece& piece, const Totals& totals, bool learning, std::size_t shard);
  void learn_heads(Piece& piece, const Totals& totals, bool learning, std::size_t shard);
  double softmax_loss(Piece& piece, double total, bool learning, std::size_t shard);
  SasrecLosses losses(const Totals& totals) const;
  [[noreturn]] void throw_not_finite() const;

  SasrecNetwork& network_;
  Settings settings_;
  Adam adam_;
  RandomKey key_;
  SequencePieces<Piece> pieces_;
  std::vector<Matrix> d_items_;  // [shards] softmax: the item table's gradient
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
};

/// Of a task's settings: how its SASRec learns.
SasrecLearner::Settings learner_settings(const SupervisedTask& task, const SasrecConfig& config);

}  // namespace swipegym
