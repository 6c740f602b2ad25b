#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/memory_budget.h"
#include "env/platform/platform_world.h"
#include "evaluation/platform/creator_days.h"
#include "evaluation/platform/day_measures.h"
#include "evaluation/platform/mimic_meter.h"
#include "evaluation/platform/nightly_refit.h"
#include "evaluation/platform/season_log.h"
#include "evaluation/platform/season_policy.h"

namespace swipegym {

/// A season of a platform: users come back, creators upload, a policy serves. Settings of `swipegym platform`.
struct SeasonConfig {
  int days = 60;
  std::size_t users = 1'000;
  double tick_hours = 1.0;  // what is counted reaches the policy after each tick; at most a day
  std::size_t slate = 10;   // videos of a request
  int max_steps = 100;      // requests of a session
  int burn_in = 20;         // first days that tables leave out
  // A share of all requests whose videos are drawn uniformly among those of the creators whose coin of the day says so:
  // what comes of them, and of the coin, is known without a model.
  double random_share = 0.0, treated_share = 0.5;
  RefitSettings refit;
  PlatformSettings world;

  void check() const;  // InputError
};

template <class Visitor>
void visit_fields(Visitor& visit, SeasonConfig& config) {
  visit("days", config.days, between(1, 10'000));
  visit("users", config.users, between(1, 1'000'000));
  visit("tick_hours", config.tick_hours, between(0.25, 24));
  visit("slate", config.slate, between(1, 100));
  visit("max_steps", config.max_steps, ranges::kMaxSteps);
  visit("burn_in", config.burn_in, between(0, 10'000));
  visit("random_share", config.random_share, between(0, 1));
  visit("treated_share", config.treated_share, inside(0, 1));
  visit("refit", config.refit);
  visit("world", config.world);
}

/// What so many seasons side by side take of memory that grows with their settings: users, and what creators did.
MemoryBudget season_memory(const Simulator& base, const SeasonConfig& config, int side_by_side);

/// Where the days of the season with this checkpoint are kept.
std::filesystem::path season_days_folder(std::filesystem::path checkpoint);

/// Of a season's checkpoint.
inline constexpr std::string_view kSeasonKind = "season";
inline constexpr std::int64_t kSeasonVersion = 2;

/// One world under one policy, day by day. Equal settings and seeds give equal bytes, whatever the number of threads
/// and however often the season was saved and gone on with.
class Season {
 public:
  /// `base` as for PlatformWorld. InputError for settings that make no sense.
  Season(std::shared_ptr<const Simulator> base, const SeasonConfig& config, SeasonPolicy policy, std::uint64_t seed,
         int threads);
  ~Season();
  Season(Season&&) noexcept;

  int day() const noexcept;  // days that are over
  bool over() const noexcept;
  void play_day();
  /// From here on play_day() throws Interrupted, between two ticks, once `stopped` is set. What was played
  /// of the day is lost, and the season of no more use.
  void stop_by(const std::atomic<bool>& stopped) noexcept;
  const std::vector<DayMeasures>& days() const noexcept;
  const PlatformWorld& world() const noexcept;
  /// What creators got and did so far.
  const CreatorDays& creator_days() const noexcept;
  /// From here on this policy serves.
  void set_policy(SeasonPolicy policy);
  /// Before the first day: half of the users, drawn by the season's key, are served by another policy in the same
  /// world.
  void split_users(SeasonPolicy other);
  /// From here on every day's rows are written there, before its checkpoint can be; null: no more.
  void log_to(SeasonLog* log) noexcept;
  /// Before the first day: what creators watch and imitate is told to this meter, whose days no checkpoint keeps.
  void meter_mimicry(MimicMeter* meter) noexcept;
  std::uint64_t videos_shown() const noexcept;

  /// A checkpoint between two days; `identity` says what else the season is of, such as its policy. What creators did
  /// on the days that are over is not written again: it stays in season_days_folder(), a file a day. load() throws
  /// InputError for files that make no sense, or of other settings or another identity.
  void save(const std::filesystem::path& path, std::string_view identity = {});
  void load(const std::filesystem::path& path, std::string_view identity = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swipegym
