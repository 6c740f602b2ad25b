#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "env/vector_env.h"
#include "policy/policy.h"
#include "policy/select.h"

namespace swipegym {

/// One shown video of one session.
struct ShownVideo {
  std::int64_t video_id = 0;  // raw
  std::uint32_t tag = 0;      // dense; the simulator's last one is 'none'
  float duration_s = 0.0F, watch_s = 0.0F, watch_ratio = 0.0F;
  SignalBits signals = 0;
};

/// A session to look at.
struct SessionView {
  std::string policy;
  std::int64_t user_id = 0;  // raw
  std::int64_t start_ms = 0;
  std::uint8_t tab = 1;
  std::uint32_t no_tag = 0;  // the tag that means none
  std::vector<ShownVideo> videos;
  bool left = false;  // false: cut by max_steps
  float reward = 0.0F;
};

/// Plays the session of `seed` (an env seed, see session_seed) to its end.
SessionView play_session(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
                         const Policy& policy, const VectorEnvConfig& config, const Exploration& exploration,
                         std::uint64_t seed);

/// A line a video: its length, how much of it was watched as a bar, what else the user did; then how it ended.
std::string to_text(const SessionView& session);
Json to_json(const SessionView& session);

}  // namespace swipegym
