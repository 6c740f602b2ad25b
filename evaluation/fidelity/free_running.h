#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/progress.h"
#include "env/simulator.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// How a distribution of session figures compares with life.
struct SessionDistance {
  std::string name;          // length, watch_s, mean_ratio, clicks
  double real = 0.0;         // mean over held-out sessions
  double simulated = 0.0;    // mean over rolled-out ones
  double wasserstein = 0.0;  // between the two distributions
  double floor = 0.0;        // between two random halves of the held-out users, mean over halvings
  double ratio() const noexcept { return wasserstein / floor; }
};

struct FreeRunningReport {
  std::int32_t from = 0, until = 0;
  std::uint64_t sessions = 0, users = 0;
  std::vector<SessionDistance> distance{};
  std::uint64_t user_days = 0;  // (user, active day) pairs that the next-day return is counted over
  double real_return = 0.0;     // share of them followed by activity the next day
  double simulated_return = 0.0;
};

struct FreeRunningOptions {
  std::int32_t from = 0;          // first held-out day, yyyymmdd
  std::int32_t until = 99999999;  // last one
  std::uint64_t seed = 1;
  int halvings = 20;
  int threads = 0;
  Progress progress{};
};

/// Lets the simulator run by itself beside the sessions of held-out days: each user's sessions begin when they began in
/// life, and the user is shown what the session showed; where the simulated user stays longer than the real one, videos
/// resampled from the tab's exposures in the week before follow. Only the user's answers and leaving are simulated, and
/// each answer is history to the next. Random exposures get interventional answers, the rest logged ones; `simulator`
/// should be on the log clock, whose hazard is the log's.
///
/// The next-day return starts each user at the first held-out session and lets sessions follow by the simulator's own
/// gaps; counted over days but the last. Throws InputError when the days hold no session or nothing lies before them.
FreeRunningReport run_free(const Simulator& simulator, const Dataset& data, const FreeRunningOptions& options);

/// {sessions, users, metrics: {name: {real, simulated, wasserstein, floor, ratio}}, next_day_return: {real, simulated,
/// difference, user_days}, from, until}
Json to_json(const FreeRunningReport& report);
std::string to_text(const FreeRunningReport& report);

}  // namespace swipegym
