#pragma once

#include <cstdint>

#include "env/fitted/fit_log.h"
#include "env/simulator.h"

namespace swipegym {

/// What the dense clock adds to the leave logit so that the logged policy's sessions have `mean_session_videos` on
/// average. The simulator's model is a FittedUserModel without a shift. 0 where the log shows nothing in the main tab.
float dense_leave_shift(const Simulator& simulator, const FitLog& log, double mean_session_videos, int threads,
                        std::uint64_t seed);

}  // namespace swipegym
