#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "sim_data/log.h"

namespace swipegym {

/// A one-to-one map between play times and (bin, level in [0, 1)), given the duration.
///
/// The play-time axis of a video is cut where KuaiRand's rules and viewers' habits cut it: nothing played; below the
/// first rule threshold; between the thresholds of is_click and long_view; up to completion; around completion; replay.
/// No bin crosses a rule threshold, so the probability of long_view is a sum of bins. Each segment is cut further at
/// equal-mass quantiles of its own coordinate within a duration group, and inside a bin the level runs through the
/// group's empirical quantile function: whatever the bin probabilities, fine structure (a skip after two seconds, an
/// overshoot of the end) is the log's own.
class WatchGrid {
 public:
  static constexpr std::size_t kSegments = 6;
  static constexpr std::array<std::size_t, kSegments> kBinsOf = {1, 14, 7, 8, 5, 5};
  static constexpr std::array<std::size_t, kSegments> kFirst = {0, 1, 15, 22, 30, 35};
  static constexpr std::size_t kBins = 40;
  static constexpr std::size_t kGroups = 16;  // duration groups of equal sums of the root of the duration
  static constexpr std::size_t kKnots = 257;  // of each quantile function

  /// Where the segments of one duration begin, in ms; segment s covers [begin[s], begin[s + 1]), the last one is open.
  /// begin[1] is the smallest positive play time.
  struct Segments {
    std::array<float, kSegments> begin;
    bool empty(std::size_t segment) const noexcept {
      return segment + 1 < kSegments && segment > 0 && begin[segment + 1] - begin[segment] < 1.0F;
    }
  };

  /// Where a play lies: the duration's group, and the bin of the play time.
  struct Place {
    std::uint8_t group = 0, bin = 0;
  };

  WatchGrid() = default;
  /// Learns duration groups and quantile functions from the rows named (all with duration_ms > 0).
  WatchGrid(const Log& log, std::span<const std::uint32_t> rows);

  static Segments segments(std::int32_t duration_ms) noexcept;
  std::size_t group(std::int32_t duration_ms) const noexcept;
  std::size_t bin(std::int32_t play_ms, std::int32_t duration_ms) const noexcept;
  /// Of a video whose duration is known; a play of another one has the place {}.
  Place place(std::int32_t play_ms, std::int32_t duration_ms) const noexcept {
    if (duration_ms <= 0) return {};
    return {static_cast<std::uint8_t>(group(duration_ms)), static_cast<std::uint8_t>(bin(play_ms, duration_ms))};
  }
  /// Play time in ms (not rounded) at `level` of a bin.
  float play_ms(std::size_t bin, float level, std::int32_t duration_ms) const noexcept;
  /// As play_ms, rounded to a whole millisecond that stays in the bin's segment.
  std::int32_t draw_play_ms(std::size_t bin, float level, std::int32_t duration_ms) const noexcept;
  /// Writes the mean play time in ms of each bin (integrated over the level at five points).
  void mean_play_ms(std::int32_t duration_ms, std::span<float> out) const noexcept;
  /// Adds -infinity-like penalties to the logits of bins that this duration cannot have.
  static void mask_logits(std::int32_t duration_ms, std::span<float> logits) noexcept;
  /// Whether a play time in the bin passes KuaiRand's rule, for this duration.
  static bool passes_long_view(std::size_t bin, const Segments& segments, std::int32_t duration_ms) noexcept;
  static std::size_t segment_of(std::size_t bin) noexcept;

  /// Throws InputError unless the tables have their sizes and every play time from them is finite.
  void validate() const;
  void save(Hdf5Writer& file) const;
  static WatchGrid load(const Hdf5Reader& file);

 private:
  float coordinate(std::size_t segment, float play_ms, const Segments& at) const noexcept;
  float from_coordinate(std::size_t segment, float x, const Segments& at) const noexcept;
  void put_group_edges(std::span<const std::int32_t> durations);  // ascending
  const float* knots(std::size_t group, std::size_t segment) const noexcept {
    return knots_.data() + (group * kSegments + segment) * kKnots;
  }

  std::array<float, kGroups - 1> group_edges_{};  // ms
  std::vector<float> knots_;                      // [kGroups, kSegments, kKnots] quantiles of the coordinate
};

}  // namespace swipegym
