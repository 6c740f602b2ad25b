#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/policy_gradient/candidate_scorer.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {

/// Histories of a rollout's states as observations had them, by the rollout's rows.
class KeptHistories {
 public:
  KeptHistories(std::size_t rows, std::size_t length);
  /// Those of all rows of `from`, from `first_row` on; only the newest `length` videos of each.
  void keep(const ObservationView& from, std::size_t first_row);
  /// Rows [from, from + count) become the first ones.
  void move_to_front(std::size_t from, std::size_t count);
  ObservationView view() const noexcept;

 private:
  std::size_t length_;
  std::vector<std::int32_t> video_;  // [rows, length], as ObservationView has them
  std::vector<float> ratio_;
  std::vector<SignalBits> signals_;
};

/// Trains a SASRec for the next video as an actor, as CandidateScorer does a ValueModel: the scores of a state's
/// candidates are h . e_a, h the newest state of the user's videos, one pass over them whatever the number of
/// candidates. What SasrecPolicy scores without h or e_a (users without history, videos never met) stays as it is.
class SasrecScorer {
 public:
  using Settings = CandidateScorer::Settings;
  using RowLoss = CandidateScorer::RowLoss;
  using Step = CandidateScorer::Step;

  /// `model` is of SasrecObjective::kNext and must outlive this. `most_rows` is the largest batch.
  SasrecScorer(SasrecModel& model, const Settings& settings, std::size_t most_rows);

  /// Scores of all candidates of states `rows` of the rollout, [rows, m].
  void score(const Rollout& rollout, const KeptHistories& histories, std::span<const std::uint32_t> rows,
             std::span<float> out) const;
  /// One Adam step on the mean loss of states `rows`.
  Step step(const Rollout& rollout, const KeptHistories& histories, std::span<const std::uint32_t> rows,
            const RowLoss& loss);
  Adam& adam() noexcept { return adam_; }
  const Adam& adam() const noexcept { return adam_; }

 private:
  struct Shard {
    PackedHistories histories;
    SasrecWorkOf<float> work;
    SasrecGradientsOf<float> gradients;
    Matrix d_states;
    std::vector<float> scores, d_scores;
    double loss = 0.0;
  };
  void forward(const Rollout& rollout, const KeptHistories& histories, std::span<const std::uint32_t> rows,
               Shard& shard) const;
  void learn(const Rollout& rollout, std::span<const std::uint32_t> rows, std::size_t first, float share,
             const RowLoss& loss, Shard& shard);

  SasrecModel& model_;
  Settings settings_;
  Adam adam_;
  std::vector<Shard> shards_;
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
};

}  // namespace swipegym
