#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/adam.h"
#include "nn/mlp.h"

namespace swipegym {

/// V(s) of one response: an Mlp over encoded states, fitted by Adam to returns under a Huber loss. Values are in the
/// unit of the rewards it is given.
class StateCritic {
 public:
  struct Settings {
    std::vector<std::size_t> hidden = {32};
    AdamConfig adam;
    float huber_delta = 50.0F;
    std::size_t shard_rows = 256;
    int threads = 0;
  };
  /// `most_rows` is the largest batch of a step.
  StateCritic(std::size_t state_size, const Settings& settings, std::size_t most_rows, RandomKey key);

  /// One value for each row of `states`.
  void values(const Matrix& states, std::span<float> out) const;
  /// One step towards target[rows[i]] in state rows[i]; returns the mean loss before it.
  double step(const Matrix& states, std::span<const std::uint32_t> rows, std::span<const float> target);

  Adam& adam() noexcept { return adam_; }
  /// Weights and moments under `name`/.
  void save(Hdf5Writer& file, const std::string& name) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  struct Shard {
    MlpWorkspace work;
    Matrix input, target, gradient;
    double loss = 0.0;
  };
  Settings settings_;
  Mlp network_;
  Adam adam_;
  std::vector<Shard> shards_;
  std::vector<Parameter*> parameters_;
};

}  // namespace swipegym
