#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/progress.h"
#include "evaluation/generate/logged_feed.h"
#include "policy/policy.h"
#include "policy/select.h"
#include "policy/world.h"
#include "sim_data/log_row.h"

namespace swipegym {

/// The candidates the rows handed to the sink next were chosen from, [rows, m] video indices, -1 where a slot could not
/// be chosen.
using CandidateSink = std::function<void(std::span<const std::int32_t>)>;
/// Where the sessions end in the rows handed to the sink next: numbers of rows, ascending, the last one all of them.
using SessionSink = std::function<void(std::span<const std::size_t>)>;

/// How a synthetic log is made. Users of the fitted log come in a drawn order; each lives through one period, as long
/// as the fitted log and right behind it, from the time of day and tab of their first session in it, and comes back by
/// the simulator's own gaps. When all users have been through it, another period follows.
struct GenerateConfig {
  std::uint64_t sessions = 1000;  // at most
  std::uint64_t seed = 1;
  WorldConfig world{};                              // single videos only
  std::shared_ptr<const CandidateSource> source{};  // in the place of the world's own; null: that
  VectorEnvConfig engine{};                         // threads, and what else no world says
  Exploration exploration{};                        // decides the propensities
  CandidateSink candidate_sink{};  // empty: candidate sets are not kept; a policy's log with candidates only
  SessionSink session_sink{};      // may be empty
  /// A part of a larger log: `chains` users' periods from number first_chain on, in the order above; 0: as many as
  /// `sessions` take. Parts of equal `chains`, one behind the other, are one log whoever makes which.
  std::uint64_t first_chain = 0, chains = 0;
};

struct GenerateReport {
  std::uint64_t sessions = 0, rows = 0, users = 0;
  std::int32_t first_date = 0, last_date = 0;  // yyyymmdd
  bool is_random = false;                      // the policy chose uniformly: rows belong into a random-exposure log
};

/// Rows of one user, ordered by time, with dense ids, date, hourmin and a source_row counted from 0.
using RowSink = std::function<void(std::span<const LogRow>)>;

/// Lets the policy show videos (interventional response) until config.sessions sessions are over. A row's propensity is
/// the probability with which the exploration chose its slot among the candidates offered, and is_random says that the
/// choice was uniform. Memory does not grow with the sessions; rows do not depend on threads. Throws InputError for
/// slates.
GenerateReport generate_log(std::shared_ptr<const Simulator> simulator, const Policy& policy,
                            const GenerateConfig& config, const RowSink& sink, const Progress& progress = {});

/// As above with the platform showing videos: resampled exposures of the log (see LoggedFeed), logged response, no
/// propensity. A simulator can be fitted to this as to life.
GenerateReport generate_platform_log(const Simulator& simulator, const LoggedFeed& feed, const GenerateConfig& config,
                                     const RowSink& sink, const Progress& progress = {});

}  // namespace swipegym
