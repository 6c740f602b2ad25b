#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "core/random.h"
#include "env/truth/truth_model.h"

namespace swipegym {

/// How a platform goes about it; nothing of this changes how people answer.
struct PlatformTaste {
  float popularity = 1.0F;  // of what it retrieves: 0 draws from all alike
  float sharpness = 2.3F;   // of the choice among the retrieved, per unit of interest
};

/// The recommender that fills the standard log. It retrieves a few videos by popularity, prefers those of lasting
/// interest to the user, and then sees what no feature tells: whether the video matches the moment. Mismatches it lets
/// through only now and then, which makes the response on its exposures the truth's logged one, exactly.
class TruthPlatform {
 public:
  explicit TruthPlatform(const TruthModel& model, const PlatformTaste& taste = {});

  /// The next video for shown.user in shown.tab at shown.time_ms, not in `seen` unless little else is left. Fills
  /// shown.video and shown.duration_ms.
  void choose(Shown& shown, const float* state, const std::unordered_set<std::uint32_t>& seen,
              RandomStream& random) const;
  /// A uniform draw from the pool, as the random-exposure experiment makes it.
  void choose_uniformly(Shown& shown, RandomStream& random) const;

 private:
  std::uint32_t retrieve(RandomStream& random) const;

  const TruthModel& model_;
  const PlatformTaste taste_;
  std::vector<float> stay_;  // alias table over videos, weights by popularity: keep the column with this probability
  std::vector<std::uint32_t> alias_;  // else take this one
};

/// What set_leave_shift needs so that the platform's mean session has options.mean_session_videos videos (0 when that
/// is 0). Found by simulating sessions of the world's first users and videos, so it depends on the options alone.
float session_leave_shift(const TruthOptions& options);

}  // namespace swipegym
