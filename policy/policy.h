#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "env/observation.h"
#include "core/random.h"
#include "env/vector_env.h"

namespace swipegym {

/// A batch of decisions. `env` is null when observations come from elsewhere; only oracles look at it.
struct DecisionBatch {
  ObservationView observation;
  const VectorEnv* env = nullptr;
  std::span<const RandomKey> keys;        // [rows] the session's exploration key
  std::span<const std::uint32_t> streams; // [rows] the step
};

/// Scores every slot of every row in one call; choosing is separate (select.h), learning is elsewhere (agents/).
class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const noexcept = 0;
  /// scores: [rows, m], row-major, higher is better. Masked slots may hold anything; the chooser skips them.
  virtual void score(const DecisionBatch& batch, std::span<float> scores) const = 0;
};

}  // namespace swipegym
