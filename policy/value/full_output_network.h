#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/embedding.h"
#include "nn/linear.h"

namespace swipegym {

/// Q(s, .) of every action of a small, fixed action space by one network: hidden layers with rectifiers, then one
/// output an action. What agent libraries offer by default; parameters and a full pass grow with the number of actions.
///
/// The output layer is kept a row an action. Learning from one action a state touches that action's row alone: its
/// value is one product of vectors and its gradient one row, so only a maximum pays for all actions.
class FullOutputNetwork {
 public:
  /// Room for one pass of one thread.
  struct Work {
    std::vector<Matrix> hidden;  // [rows, units] of each hidden layer, after its rectifier
    Matrix gradient, next_gradient;
    std::vector<RowGradient> rows;  // of the output layer, for scatter()
    std::vector<RowGradient> biases;
  };

  FullOutputNetwork() = default;
  /// At least one hidden layer.
  FullOutputNetwork(std::size_t inputs, const std::vector<std::size_t>& hidden, std::size_t actions, RandomKey key);

  std::size_t inputs() const noexcept { return layers_.front().in(); }
  std::size_t actions() const noexcept { return output_.count(); }

  /// The hidden layers of `states` [rows, inputs]; what the next three read.
  void forward(const Matrix& states, Work& work) const;
  /// values [rows, actions], after lay_out().
  void all_values(const Work& work, Matrix& values) const;
  /// values[i] of action[i] in row i.
  void chosen_values(const Work& work, std::span<const std::int32_t> action, std::span<float> values) const;
  /// Adds the gradients of sum_i d_value[i] * Q(s_i, action[i]) to `shard` of the hidden layers and leaves those of the
  /// output layer in `work` for scatter(). `d_value` must stay until then.
  void backward(const Matrix& states, std::span<const float> d_value, std::span<const std::int32_t> action, Work& work,
                std::size_t shard);
  /// Adds what backward() left in all shards' work, in order.
  void scatter(std::span<Work* const> shards, int threads);

  /// Brings the output layer into the order that all_values() multiplies fast; again after weights have changed.
  void lay_out();

  void set_shards(std::size_t count);
  std::vector<Parameter*> parameters();
  std::vector<Embedding*> embeddings();

  void save(Hdf5Writer& file, const std::string& name, bool moments) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  std::vector<Linear> layers_;
  Embedding output_;  // [actions, units of the last hidden layer]
  Embedding bias_;    // [actions, 1]
  Matrix columns_;    // output_ transposed
};

}  // namespace swipegym
