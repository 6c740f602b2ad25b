#pragma once

#include <cstdint>

#include "core/progress.h"
#include "env/truth/truth_options.h"
#include "sim_data/tables.h"

namespace swipegym {

/// user_features of the first `users` users of a synthetic world: the activity and the cohort that their tastes lean on
/// show through; the rest only has KuaiRand's columns, ranges and shares of missing cells. Row i is raw id i.
UserTable synthetic_users(const TruthOptions& options, std::uint32_t users, int threads = 0);

/// video_features_basic of a synthetic world. Row i is raw id i.
VideoTable synthetic_videos(const TruthOptions& options, int threads = 0, const Progress& progress = {});

}  // namespace swipegym
