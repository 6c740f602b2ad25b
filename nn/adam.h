#pragma once

#include <cstdint>
#include <span>

#include "nn/embedding.h"
#include "nn/parameter.h"

namespace swipegym {

struct AdamConfig {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay =
      0.0;                 // decoupled: values shrink by learning_rate * weight_decay a step (Loshchilov & Hutter 2019)
  double clip_norm = 0.0;  // gradients of all parameters together are scaled down to this norm; 0: never
};

/// Adam (Kingma & Ba 2015) over dense parameters and embedding tables. A table's untouched rows keep their moments and
/// values ("sparse" or "lazy" Adam), so the cost of a step follows the rows it touched.
template <class Scalar>
class AdamOf {
 public:
  explicit AdamOf(const AdamConfig& config = {}) : config_(config) {}

  /// Reduces gradient shards, clips, updates values and moments, zeroes the gradients. Returns the norm before
  /// clipping; when that is not finite, values and moments stay as they were and the caller has to stop. `threads`
  /// (0: all) never changes a bit.
  double step(std::span<ParameterOf<Scalar>* const> parameters, std::span<EmbeddingOf<Scalar>* const> embeddings = {},
              int threads = 1);

  const AdamConfig& config() const noexcept { return config_; }
  void set_learning_rate(double learning_rate) noexcept { config_.learning_rate = learning_rate; }
  std::int64_t steps() const noexcept { return steps_; }
  void set_steps(std::int64_t steps) noexcept { steps_ = steps; }  // when a checkpoint is loaded

 private:
  AdamConfig config_;
  std::int64_t steps_ = 0;
};
using Adam = AdamOf<float>;

}  // namespace swipegym
