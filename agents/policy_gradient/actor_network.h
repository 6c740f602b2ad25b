#pragma once

#include <memory>
#include <span>
#include <string>

#include "agents/learner.h"
#include "agents/policy_gradient/candidate_scorer.h"

namespace swipegym {

/// A model whose softmax over the candidates of a state is a policy, as ActorLearner moves it: the seam between policy
/// gradients and what scores a candidate. What it scores by it takes from the rollout, or keeps for itself beside it.
class ActorNetwork {
 public:
  using RowLoss = CandidateScorer::RowLoss;
  using Step = CandidateScorer::Step;

  virtual ~ActorNetwork() = default;
  virtual const Policy& policy() const noexcept = 0;
  /// A copy, at temperature 1: it draws from its softmax.
  virtual std::shared_ptr<const Policy> snapshot() const = 0;
  virtual const ItemInputs& items() const noexcept = 0;

  /// A rollout begins with this observation; a step led to this one; an update is over, and the last states of the
  /// rollout become its first.
  virtual void begin([[maybe_unused]] const ObservationView& first) {}
  virtual void observe([[maybe_unused]] const ObservationView& next) {}
  virtual void restart() {}

  /// Scores of all candidates of states `rows` of the rollout, [rows, m].
  virtual void score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) = 0;
  /// The same of the policy that this one is held near; false where there is none.
  virtual bool anchor_score([[maybe_unused]] const Rollout& rollout,
                            [[maybe_unused]] std::span<const std::uint32_t> rows,
                            [[maybe_unused]] std::span<float> out) const {
    return false;
  }
  /// One Adam step on the mean loss of states `rows`.
  virtual Step step(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss) = 0;
  virtual Adam& adam() noexcept = 0;
  virtual std::size_t bytes() const = 0;  // of its parameters

  virtual void save(Hdf5Writer& file, const std::string& name) const = 0;
  virtual void load(const Hdf5Reader& file, const std::string& name) = 0;
};

/// Of a ValueModel, whose inputs are what a rollout has encoded. `most_rows` is the largest batch.
std::unique_ptr<ActorNetwork> make_value_actor(std::shared_ptr<ValueModel> model,
                                               const CandidateScorer::Settings& settings, std::size_t most_rows);

}  // namespace swipegym
