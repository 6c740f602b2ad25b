#pragma once

#include "evaluation/off_policy/judge_rows.h"
#include "evaluation/off_policy/sequences.h"

namespace swipegym {

/// The judged rows as trajectories, a session each (LinearRows::continues), with Q^ by fitted Q evaluation.
struct SessionValues {
  LoggedTrajectories log;
  bool model_converged = false;  // false: Q^ is left out
};
SessionValues session_values(const JudgedRows& judged, const ValueFit& fit, RandomKey key);

/// What the logging policy earned a session: the judged policy's place when all weights are 1.
Interval logged_session_value(const LoggedTrajectories& log, double discount, RandomKey key,
                              const BootstrapOptions& options = {});

}  // namespace swipegym
