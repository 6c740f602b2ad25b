#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "env/vector_env.h"

namespace swipegym {

/// Draws a uniform valid action for every row of what an environment shows; its own key tree, apart from the env's.
class UniformActions {
 public:
  explicit UniformActions(std::uint64_t seed) : key_(split(make_key(seed), Draw::kExploration)) {}

  /// [envs, K] actions for the env's next step; valid until the next call. Allocates in the first call only.
  std::span<const std::int32_t> draw(const VectorEnv& env);

 private:
  RandomKey key_;
  std::uint32_t step_ = 0;
  std::vector<std::int32_t> actions_;
};

/// Seeds of `envs` sessions that share none with another run seed.
std::vector<std::uint64_t> session_seeds(std::uint64_t seed, std::size_t envs);

/// The hash behind steps_hash: any change of a byte or of the length changes it.
std::uint64_t hash_bytes(std::span<const std::byte> bytes) noexcept;

/// Resets `env`, takes `steps` uniform actions and hashes every byte of every observation and every output on the way.
/// Equal for any number of threads.
std::uint64_t steps_hash(VectorEnv& env, std::uint64_t seed, int steps);

/// What a step of one session writes for the agent, in bytes: history, context, candidates with features and mask, and
/// the step's outputs; user and user features are written when an episode begins.
std::size_t bytes_per_step(const VectorEnv& env);

struct SpeedRun {
  double seconds = 0.0;
  std::uint64_t steps = 0;     // of all sessions together
  std::uint64_t episodes = 0;  // that ended on the way
  double steps_per_s() const noexcept { return static_cast<double>(steps) / seconds; }
};

/// Steps all sessions with uniform actions, drawn inside the time, for at least `seconds` after a warm-up of `seconds`
/// / 4. In kNextStep mode the steps that begin an episode are counted as Gymnasium's vector environments count them.
SpeedRun measure_speed(VectorEnv& env, std::uint64_t seed, double seconds);

}  // namespace swipegym
