#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "nn/adam.h"
#include "nn/mlp.h"

namespace swipegym {

/// An Mlp from a state to K numbers, trained by Adam: logits or values of K actions, on losses that may look at all K,
/// or with K = 1 the value V(s). A batch is cut into shards of fixed size whose gradients are added in order: threads
/// never change a bit. A copy is a network of its own, with the same weights.
class StateNetwork {
 public:
  struct Settings {
    std::vector<std::size_t> hidden = {64};
    AdamConfig adam;
    float dropout = 0.0F;    // of hidden units, in step() alone
    bool from_zero = false;  // all outputs are 0 at first, as an early stop has it that finds nothing
    std::size_t batch = 512, shard_rows = 128;
    int threads = 0;
  };
  StateNetwork(std::size_t inputs, std::size_t actions, const Settings& settings, RandomKey key);

  std::size_t actions() const noexcept { return network_.layers.back().out(); }

  /// The K outputs of states `rows`, [rows, K].
  void outputs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const;
  /// log softmax of the outputs of states `rows`, [rows, K].
  void log_probs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const;

  /// Given the outputs [K] of the state at `index` of the batch, returns its loss and writes the loss's derivative with
  /// respect to each output. Called from several threads, for different indices.
  using RowLoss = std::function<double(std::size_t index, std::span<const float> out, std::span<float> d_out)>;
  /// One Adam step on the mean loss of states `rows`, at most a batch; returns the loss before it. `key` draws which
  /// hidden units are dropped. Throws SystemError for a gradient that is not finite.
  double step(const Matrix& states, std::span<const std::uint32_t> rows, const RowLoss& loss, RandomKey key);

  /// Of a network with one output: the value of each row of `states`, and a step of Huber regression towards
  /// target[rows[i]] in state rows[i]. A gradient that is not finite changes nothing.
  void values(ConstMatrixRef<float> states, std::span<float> out) const;
  void step_towards(const Matrix& states, std::span<const std::uint32_t> rows, std::span<const float> target,
                    float huber_delta);

  /// Forgets Adam's moments, to learn something else at another rate from these weights on.
  void restart(double learning_rate);

  Adam& adam() noexcept { return adam_; }
  /// Weights, moments and steps under `name`/.
  void save(Hdf5Writer& file, const std::string& name) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  struct Shard {
    MlpWorkspace work;
    Matrix input, gradient;
    double loss = 0.0;
  };
  struct Step {
    double loss = 0.0, gradient_norm = 0.0;
  };
  Step take_step(const Matrix& states, std::span<const std::uint32_t> rows, const RowLoss& loss, RandomKey key);

  Settings settings_;
  Mlp network_;
  Adam adam_;
  std::vector<Shard> shards_;
};

/// out[i] = log softmax of `logits`; `out` may be `logits`.
void log_softmax_all(std::span<const float> logits, std::span<float> out);

}  // namespace swipegym
