#pragma once

#include <functional>
#include <span>
#include <vector>

#include "agents/masked_softmax.h"
#include "agents/policy_gradient/rollout.h"
#include "nn/adam.h"
#include "policy/value/value_policy.h"

namespace swipegym {

/// Trains a ValueModel's scores of the candidates of a rollout's states by Adam: an actor's logits, or a critic's
/// Q(s, a). A batch is cut into shards of fixed size whose gradients are added in order, so that the number of threads
/// never changes a bit.
class CandidateScorer {
 public:
  struct Settings {
    AdamConfig adam;
    std::size_t shard_rows = 64;
    int threads = 0;
  };

  /// `model` must outlive this; nobody may use it during step(). `most_rows` is the largest batch.
  CandidateScorer(ValueModel& model, const Settings& settings, std::size_t most_rows);

  /// Scores of all candidates of states `rows` of the rollout, [rows, m].
  void score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out);

  /// Given the scores [m] of the state at `index` of the batch, returns its loss and writes the loss's derivative with
  /// respect to each score. Called from several threads, for different indices.
  using RowLoss = std::function<double(std::size_t index, std::span<const float> scores, std::span<float> d_scores)>;
  struct Step {
    double loss = 0.0;           // mean over the batch
    double gradient_norm = 0.0;  // before clipping
  };
  /// One Adam step on the mean loss of states `rows`.
  Step step(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss);

  Adam& adam() noexcept { return adam_; }
  const Adam& adam() const noexcept { return adam_; }
  ValueModel& model() noexcept { return model_; }

 private:
  struct Shard {
    ValueNetwork::Work work;
    std::vector<float> d_value;
    double loss = 0.0;
  };
  void forward(const Rollout& rollout, std::span<const std::uint32_t> rows, ValueNetwork::Work& work) const;

  ValueModel& model_;
  Settings settings_;
  Adam adam_;
  std::vector<Shard> shards_;
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
};

}  // namespace swipegym
