#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim_data/dataset.h"

namespace swipegym {

/// Mean, median and 99th percentile.
struct Spread {
  double mean = 0, median = 0, p99 = 0;
};

/// One tab's share of the rows and its rates.
struct TabSummary {
  std::uint8_t tab = 0;
  double share = 0, click = 0, long_view = 0, watch_ratio = 0, zero_play = 0;
};

/// The aggregates of a log that KuaiRand's authors publish, so that a synthetic log can be laid beside the real one.
/// Ratios and completion are of rows with a known duration; everything else is of all rows.
struct LogSummary {
  std::uint64_t rows = 0;
  std::size_t users = 0, videos = 0;       // that have a row
  std::array<double, kNumSignals> rate{};  // of each signal
  Spread duration_s, play_s, watch_ratio;
  double unknown_duration = 0;            // share of rows with duration 0
  double complete = 0, zero_play = 0;     // shares of rows with ratio >= 1 and play 0
  std::array<double, 4> rows_per_user{};  // p10, p50, p90, p99 of users with a row
  double gini = 0;                        // of exposures over the videos that have a row
  double top_fifth = 0;                   // share of the rows on the most exposed 20 % of those videos
  std::uint64_t most_exposed = 0;         // rows of the most exposed video
  double session_rows = 0;                // mean length of a run of a user's rows with gaps <= 30 min
  double next_day_return = 0;             // of (user, day) with rows before the last day: share with rows the day after
  double top_tag_share = 0;               // users' mean share of the favourite tag among their clicked rows
  std::vector<TabSummary> tabs;           // most frequent first
};

/// Which rows to summarise.
enum class LogPart : std::uint8_t { kStandard, kRandom, kBoth };

/// Summarises the rows of one part; a part without rows is all zeros.
LogSummary summarise_log(const Dataset& data, LogPart part);

}  // namespace swipegym
