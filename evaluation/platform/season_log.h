#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "env/platform/platform_world.h"
#include "sim_data/log_row.h"
#include "sim_data/tables.h"

namespace swipegym {

/// Writes what a season showed as a KuaiRand release, a pair of files a day: the policy's rows as standard logs, the
/// randomised share as random ones with propensities. A day's files appear whole, before the day's checkpoint, so that
/// a season that is gone on with writes the same bytes again.
class SeasonLog {
 public:
  /// `users` and `videos`: the tables of the data behind the simulator. InputError where no folder can be made.
  SeasonLog(std::filesystem::path folder, const UserTable& users, const VideoTable& videos);

  void add(const LogRow& row) { rows_.push_back(row); }  // indices of the world
  void end_day(const PlatformWorld& world);
  /// The tables: of the users, and of all videos that there ever were, with the days of their upload; and where the
  /// world's truth is known truth.json, so that the release is a synthetic one as 'data synth' makes them.
  void finish(const PlatformWorld& world) const;

 private:
  std::filesystem::path folder_;
  const UserTable& users_;
  const VideoTable& videos_;
  std::vector<LogRow> rows_;  // of the day
};

}  // namespace swipegym
