#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nn/adam.h"
#include "nn/mlp.h"

namespace swipegym {

/// An Mlp from a state to one number for each of K actions, logits or values, trained by Adam on losses that may look
/// at all K. A batch is cut into shards of fixed size whose gradients are added in order: threads never change a bit.
/// A copy is a network of its own, with the same weights.
class ActionNetwork {
 public:
  struct Settings {
    std::vector<std::size_t> hidden = {64};
    AdamConfig adam;
    float dropout = 0.0F;  // of hidden units, in step() alone
    std::size_t batch = 512, shard_rows = 128;
    int threads = 0;
  };
  ActionNetwork(std::size_t inputs, std::size_t actions, const Settings& settings, RandomKey key);

  std::size_t actions() const noexcept { return network_.layers.back().out(); }

  /// The K outputs of states `rows`, [rows, K].
  void outputs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const;
  /// log softmax of the outputs of states `rows`, [rows, K].
  void log_probs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const;

  /// Given the outputs [K] of the state at `index` of the batch, returns its loss and writes the loss's derivative with
  /// respect to each output. Called from several threads, for different indices.
  using RowLoss = std::function<double(std::size_t index, std::span<const float> out, std::span<float> d_out)>;
  /// One Adam step on the mean loss of states `rows`, at most a batch; returns the loss before it. `key` draws which
  /// hidden units are dropped.
  double step(const Matrix& states, std::span<const std::uint32_t> rows, const RowLoss& loss, RandomKey key);

  /// Forgets Adam's moments, to learn something else at another rate from these weights on.
  void restart(double learning_rate);

 private:
  struct Shard {
    MlpWorkspace work;
    Matrix input, gradient;
    double loss = 0.0;
  };
  Settings settings_;
  Mlp network_;
  Adam adam_;
  std::vector<Shard> shards_;
};

/// out[i] = log softmax of `logits`; `out` may be `logits`.
void log_softmax_all(std::span<const float> logits, std::span<float> out);

}  // namespace swipegym
