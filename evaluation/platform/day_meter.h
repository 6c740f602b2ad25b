#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "env/platform/platform_world.h"
#include "env/vector_env.h"
#include "evaluation/platform/day_measures.h"

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;
struct SeasonConfig;

/// Sums of the day that make DayMeasures, but for those of a user's week.
class DayMeter {
 public:
  DayMeter(const PlatformWorld& world, const SeasonConfig& config);

  void begin_session(std::uint32_t user) noexcept;
  /// Before a request is answered: what the best videos would have been, row by row of the env.
  void ask(const VectorEnv& sessions, std::size_t slate);
  /// What a row of the step came to.
  void answered(std::size_t row, const StepView& view, std::size_t slate, bool other);
  /// So many of the users are served by another policy.
  void split_users(std::size_t others) noexcept { others_ = others; }
  void end_session(float gap_h) noexcept;
  DayMeasures finish_day(const PlatformWorld& world);
  void begin_day(const PlatformWorld& world, const PlatformWorld::Night& night);

  /// What a day leaves to later ones; between two days.
  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group, const PlatformWorld& world);

 private:
  void measure_discovery(const PlatformWorld& world, DayMeasures& out) const;
  void measure_creators(const PlatformWorld& world, DayMeasures& out) const;

  const PlatformWorld& world_;
  std::size_t users_;
  std::size_t others_ = 0;
  double seconds_ = 0.0, other_seconds_ = 0.0, sessions_ = 0.0, videos_ = 0.0, clicks_ = 0.0, returns_ = 0.0,
         ended_ = 0.0, regret_ = 0.0;
  double exposure_[3] = {};
  std::vector<std::uint8_t> came_;
  std::vector<double> best_;             // [rows, slate], sums of the best appeals so far
  std::vector<std::uint32_t> views_;     // today, of each video
  std::vector<std::int32_t> found_day_;  // of each video; -1: not yet
  PlatformWorld::Night morning_;
  double morning_appeal_ = kUndefined;
};

}  // namespace swipegym
