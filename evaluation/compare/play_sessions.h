#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/progress.h"
#include "evaluation/session_runner.h"
#include "policy/policy.h"
#include "policy/select.h"
#include "policy/world.h"

namespace swipegym {

/// What one session came to.
struct SessionResult {
  float watch_s = 0.0F;                              // seconds watched
  float watch_ratio = 0.0F;                          // sum of the ratios, each clipped to 5
  float reward = 0.0F;                               // undiscounted return under the env's reward weights
  float gap_h = 0.0F;                                // hours until the user's next visit, at most kMaxGapHours
  bool returns_in_day = false;                       // whether that is within 24 hours
  float tag_entropy = 0.0F;                          // of the shown videos' first tags, nats
  std::uint32_t videos = 0;                          // shown: the depth
  std::uint32_t member = 0;                          // of the user model, which answered
  std::array<std::uint16_t, kNumSignals> signals{};  // how often each was given
};

struct PlayConfig {
  std::size_t sessions = 1000;  // of each evaluation seed
  std::size_t seeds = 1;        // evaluation seeds
  std::uint64_t seed = 1;       // from which they come
  /// Number of the first session: shares of at least 256 sessions, one behind the other, are those of one run.
  std::size_t first_session = 0;
  WorldConfig world{};       // the source of candidates is given beside it
  VectorEnvConfig engine{};  // threads, and what else no world says
  Exploration exploration{};
};

/// How all sessions of an evaluation seed spread over the catalogue.
struct CatalogueUse {
  double share = 0.0;        // of the videos that were shown at all
  double author_gini = 0.0;  // of how often each author was shown, every author of the catalogue counted; 0 is equal
};

struct PlayedSessions {
  std::vector<SessionResult> session;   // [seeds, sessions]
  std::vector<CatalogueUse> catalogue;  // [seeds]
};

/// What the results take of memory. play_sessions() throws InputError when that is more than memory_limit().
std::uint64_t played_bytes(const PlayConfig& config) noexcept;

/// Runs the policy on fresh sessions of the simulator, each to its end. Results depend on neither threads nor the order
/// in which sessions end. `progress` counts sessions.
PlayedSessions play_sessions(std::shared_ptr<const Simulator> simulator,
                             std::shared_ptr<const CandidateSource> candidates, const Policy& policy,
                             const PlayConfig& config, const Progress& progress = {});

}  // namespace swipegym
