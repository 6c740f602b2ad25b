#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "agents/policy_gradient/actor_config.h"
#include "agents/policy_gradient/rollout.h"
#include "nn/adam.h"
#include "policy/policy.h"

namespace swipegym {

/// A model that scores the candidates of a rollout's states, as learners move it: the softmax of its scores is a
/// policy, or the scores are a critic's Q(s, a). The seam between policy gradients and what scores a candidate. What it
/// scores by it takes from the rollout, or keeps for itself beside it.
class ActorNetwork {
 public:
  struct Settings {
    AdamConfig adam;
    std::size_t most_rows = 512;  // of a step
    std::size_t shard_rows = 64;
    int threads = 0;
  };
  /// Given the scores [m] of the state at `index` of the batch, returns its loss and writes the loss's derivative with
  /// respect to each score. Called from several threads, for different indices.
  using RowLoss = std::function<double(std::size_t index, std::span<const float> scores, std::span<float> d_scores)>;
  struct Step {
    double loss = 0.0;           // mean over the batch
    double gradient_norm = 0.0;  // before clipping
  };

  virtual ~ActorNetwork() = default;
  virtual const Policy& policy() const noexcept = 0;
  /// A copy, at temperature 1: it draws from its softmax. With `parameters` [size()], where they are not empty.
  virtual std::shared_ptr<const Policy> snapshot(std::span<const float> parameters = {}) const = 0;
  virtual const ItemInputs& items() const noexcept = 0;

  /// A rollout begins with this observation; a step led to this one; an update is over, and the last states of the
  /// rollout become its first.
  virtual void begin(const ObservationView& first) = 0;
  virtual void observe(const ObservationView& next) = 0;
  virtual void restart() = 0;

  /// Scores of all candidates of states `rows` of the rollout, [rows, m].
  virtual void score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) const = 0;
  /// The same of the policy that this one is held near; false where there is none.
  virtual bool anchor_score(const Rollout& rollout, std::span<const std::uint32_t> rows,
                            std::span<float> out) const = 0;
  /// One Adam step on the mean loss of states `rows`. Nobody may score meanwhile.
  virtual Step step(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss) = 0;
  /// The gradient of the mean loss of states `rows`, any number of them, with respect to its parameters, [size()];
  /// returns that loss. Nobody may score meanwhile.
  virtual double gradient(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss,
                          std::span<float> out) = 0;
  /// All parameters one behind the other, tables last.
  virtual std::size_t size() const noexcept = 0;
  virtual void read(std::span<float> parameters) const = 0;
  virtual void write(std::span<const float> parameters) = 0;
  virtual Adam& adam() noexcept = 0;
  const Adam& adam() const noexcept { return const_cast<ActorNetwork*>(this)->adam(); }
  virtual std::size_t bytes() const = 0;  // of its parameters

  virtual void save(Hdf5Writer& file, const std::string& name) const = 0;
  virtual void load(const Hdf5Reader& file, const std::string& name) = 0;
};

/// Of the settings: how an actor's network learns, and the rows of its largest batch.
ActorNetwork::Settings network_settings(const ActorConfig& config, int threads);
std::size_t minibatch_rows(const ActorConfig& config);

/// Of a fresh ValueModel for the simulator's videos, whose inputs are what a rollout has encoded: it need not be told
/// of rollouts. Its policy's file has `whole` for settings, where they are more than those of actors.
std::unique_ptr<ActorNetwork> make_value_actor(const Simulator& simulator, const ActorConfig& config, std::string name,
                                               std::uint64_t seed, const ActorNetwork::Settings& settings,
                                               const Json& whole = {});

}  // namespace swipegym
