#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "env/vector_env.h"
#include "policy/policy.h"

namespace swipegym {

struct GreedySessionsConfig {
  std::size_t sessions = 250;
  std::uint64_t seed = 1;
  float discount = 0.0F;
  bool promises = false;  // whether scores are values, to hold against what comes
  VectorEnvConfig env{};  // num_envs and autoreset are set here
};

/// What greedy sessions earned, and what had been promised at their first step.
struct GreedySessions {
  std::vector<float> reward;      // [sessions] undiscounted
  std::vector<float> discounted;  // [sessions]
  std::vector<float> promised;    // [sessions] the first chosen video's score; 0 unless asked for
  std::size_t videos = 0;         // shown in all of them
};

/// Runs each session to its end under the greedy policy. The sessions are those of play_sessions() with the same seed,
/// whatever the policy. With the full catalogue a policy is asked for its best videos, where it can search for them;
/// otherwise it scores every video, and InputError says so when those are too many.
GreedySessions greedy_sessions(std::shared_ptr<const Simulator> simulator,
                               std::shared_ptr<const CandidateSource> candidates, const Policy& policy,
                               const GreedySessionsConfig& config);

}  // namespace swipegym
