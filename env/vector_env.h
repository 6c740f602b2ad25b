#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "env/candidate_source.h"
#include "env/observation.h"
#include "env/simulator.h"

namespace swipegym {

/// Gymnasium's three autoreset modes.
enum class AutoresetMode : std::uint8_t { kNextStep, kSameStep, kDisabled };
enum class InvalidAction : std::uint8_t { kRaise, kRedraw };

/// reward = watch_s * (seconds watched) + watch_ratio * (ratio, clipped to 5) + sum of signal[i] for the signals given.
struct RewardWeights {
  float watch_s = 1.0F;
  float watch_ratio = 0.0F;
  float signal[kNumSignals] = {};
};

struct VectorEnvConfig {
  std::size_t num_envs = 64;
  int threads = 0;                 // 0: all; never changes a result
  std::size_t history_length = 50; // L of the observation, up to 200
  int max_steps = 100;             // truncates the episode; the user leaving terminates it
  std::size_t slate = 1;           // K: slots chosen a step, consumed in order until the user leaves
  AutoresetMode autoreset = AutoresetMode::kNextStep;
  InvalidAction invalid_action = InvalidAction::kRaise;
  RewardWeights reward;
  std::vector<RewardWeights> costs;  // one entry a cost; written as the columns of StepView::cost
  ExposureKind exposure = ExposureKind::kInterventional;
};

/// What a step returned; views valid until the next call. Row-major.
struct StepView {
  ObservationView observation;
  const float* reward = nullptr;             // [envs], summed over the consumed part of the slate
  const float* cost = nullptr;               // [envs, costs]
  const std::uint8_t* terminated = nullptr;  // [envs], the user left
  const std::uint8_t* truncated = nullptr;   // [envs], max_steps reached
  const std::uint8_t* autoreset = nullptr;   // [envs], 1: this step ignored the action and began a new episode (kNextStep)
  const std::uint32_t* consumed = nullptr;   // [envs], videos of the slate that were shown
  const std::int32_t* video = nullptr;       // [envs, K], what was shown, -1 behind the end
  const float* watch_ratio = nullptr;        // [envs, K]
  const float* watch_s = nullptr;            // [envs, K]
  const SignalBits* signals = nullptr;       // [envs, K]
  ObservationView final_observation;         // kSameStep: last observation of the episodes that ended, other rows stale
};

/// N sessions stepped together on a simulator. Results depend on (build, simulator, config, seeds), never on threads.
class VectorEnv {
 public:
  VectorEnv(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
            VectorEnvConfig config);
  ~VectorEnv();
  VectorEnv(VectorEnv&&) noexcept;

  const VectorEnvConfig& config() const noexcept;
  const Simulator& simulator() const noexcept;

  /// Begins an episode in every env, one seed each. A lone env of a VectorEnv of size 1 with seeds[i] sees what row i sees.
  ObservationView reset(std::span<const std::uint64_t> seeds);
  /// As above for rows with mask 1; the others go on.
  ObservationView reset(std::span<const std::uint64_t> seeds, std::span<const std::uint8_t> mask);

  /// actions: [envs, K] candidate slots (or video indices when the source is the full catalogue), row-major. Throws
  /// InputError that names env and action when one is out of range, masked, or repeated in a slate, before any env moves.
  /// A worker's exception reaches the caller.
  const StepView& step(std::span<const std::int32_t> actions);

  /// Expectations of showing each candidate of env `row` next (all m slots): for oracles and checks, not for agents.
  void expect_candidates(std::size_t row, std::span<Expectation> out) const;
  /// As above for rows [first, first + count), on the calling thread with the scratch of `worker` (see parallel_for).
  ObservationView observation() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swipegym
