#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "env/vector_env.h"

namespace swipegym {

/// What one step of a lone session returned; views valid until the next call. The same numbers as a VectorEnv row.
struct StepResult {
  ObservationView observation;  // one row
  float reward = 0.0F;
  std::span<const float> cost;          // [costs]
  bool terminated = false;              // the user left
  bool truncated = false;               // max_steps reached, or nothing left to offer
  std::span<const std::int32_t> video;  // what was shown, in order
  std::span<const float> watch_ratio, watch_s;
  std::span<const SignalBits> signals;
};

/// One session with Gymnasium's protocol: reset(seed), then step until terminated or truncated, then reset again.
class Environment {
 public:
  /// `config` as for a VectorEnv; num_envs, threads and autoreset are set to one session without autoreset.
  Environment(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
              VectorEnvConfig config = {});

  ObservationView reset(std::uint64_t seed);
  /// A slot of the candidate set (or a video index for the full catalogue). Throws InputError for an invalid action and
  /// after the end of an episode.
  StepResult step(std::int32_t action) { return step({&action, 1}); }
  /// A slate of K slots.
  StepResult step(std::span<const std::int32_t> slate);

  const VectorEnv& sessions() const noexcept { return env_; }

 private:
  VectorEnv env_;
};

}  // namespace swipegym
