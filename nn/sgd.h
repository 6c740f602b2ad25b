#pragma once

#include <span>

#include "nn/embedding.h"
#include "nn/parameter.h"

namespace swipegym {

/// value -= rate * (gradient + decay * value), the latter for parameters that decay and the table rows touched; reduces
/// gradient shards first and zeroes the gradients.
template <class Scalar>
void sgd_step(std::span<ParameterOf<Scalar>* const> parameters, std::span<EmbeddingOf<Scalar>* const> embeddings,
              double rate, double decay = 0.0) {
  const auto step = static_cast<Scalar>(rate);
  for (ParameterOf<Scalar>* p : parameters) {
    p->reduce_gradient();
    if (decay > 0.0 && p->decays) p->gradient() += static_cast<Scalar>(decay) * p->value;
    p->value -= step * p->gradient();
    p->gradient().setZero();
  }
  for (EmbeddingOf<Scalar>* e : embeddings) {
    Eigen::Index slot = 0;
    for (const std::int32_t row : e->touched()) {
      auto value = e->table.value.row(row);
      value -= step * (e->touched_gradient().row(slot++) + static_cast<Scalar>(decay) * value);
    }
    e->zero_gradient();
  }
}

}  // namespace swipegym
