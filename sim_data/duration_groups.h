#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim_data/log.h"

namespace swipegym {

struct DurationGroupConfig {
  std::size_t groups = 30;      // equal-frequency groups of durations; equal durations stay together
  std::size_t quantiles = 500;  // points kept of a group's distribution of watch times, at most
};

/// Labels that compare a watch time with others of videos about as long: WTG, the gain of DVR (Zheng et al., "DVR:
/// Micro-video recommendation optimizing watch-time-gain under duration bias", MM 2022), and the quantile of D2Q (Zhan
/// et al., "Deconfounding duration bias in watch-time prediction for video recommendation", KDD 2022). Watch times are
/// truncated at the duration. Everything is computed from the rows given, which are the training rows.
class DurationGroups {
 public:
  /// Uses the rows with a known duration; throws InputError when there are none.
  DurationGroups(const Log& log, std::span<const std::uint64_t> training_rows, const DurationGroupConfig& config = {});

  std::size_t size() const noexcept { return group_.size(); }
  /// The group of a duration, any: beyond the training durations it is the first or the last one.
  std::size_t group_of(std::int32_t duration_ms) const noexcept;
  /// Training rows, mean and standard deviation (of the population) of the seconds watched in a group.
  std::uint64_t rows(std::size_t group) const noexcept { return group_[group].rows; }
  double mean_s(std::size_t group) const noexcept { return group_[group].mean_s; }
  double deviation_s(std::size_t group) const noexcept { return group_[group].deviation_s; }

  /// (watch - mean) / deviation of the video's group, the target DVR is trained on; 0 in a group without spread.
  float watch_time_gain(std::int32_t play_ms, std::int32_t duration_ms) const noexcept;
  /// D2Q's label: the share of the group's watch times below this one, ties counted half; in [0, 1].
  float quantile(std::int32_t play_ms, std::int32_t duration_ms) const noexcept;

 private:
  struct Group {
    std::int32_t last_duration_ms = 0;  // the longest duration of the group
    std::uint64_t rows = 0;
    double mean_s = 0.0, deviation_s = 0.0;
    std::vector<float> watch_s, share;  // distinct watch times, ascending, and their mid-ranks
  };
  std::vector<Group> group_;
};

}  // namespace swipegym
