#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Mean and quantiles (linear between order statistics); all 0 without values.
struct Distribution {
  std::uint64_t count = 0;
  double mean = 0.0, p10 = 0.0, p50 = 0.0, p90 = 0.0, p99 = 0.0, max = 0.0;
};
/// Of the values, which are reordered.
Distribution distribution_of(std::vector<float>& values);

/// Rows of one kind of exposure, or of one tab.
struct RowStatistics {
  std::uint64_t rows = 0;
  std::uint64_t unknown_duration = 0;        // duration_ms = 0: left out of ratio and completion
  Distribution duration_s, play_s;           // of all rows
  Distribution watch_ratio;                  // play / duration
  double complete = 0.0;                     // share with ratio >= 1
  double zero_play = 0.0;                    // share with play 0
  std::array<double, kNumSignals> signal{};  // rates
};

struct TabStatistics {
  std::uint8_t tab = 0;
  std::uint64_t rows = 0;
  double share = 0.0;  // of the rows described
  double watch_ratio = 0.0, zero_play = 0.0;
  std::array<double, kNumSignals> signal{};
};

/// What a log looks like; the figures KuaiRand's authors publish, and those a simulator of sessions needs.
struct DataStatistics {
  std::uint64_t rows = 0, users = 0, videos = 0, authors = 0;  // users, videos and authors of the tables
  std::int32_t first_date = 0, last_date = 0;
  RowStatistics standard, random;   // is_rand = 0 and 1
  std::vector<TabStatistics> tabs;  // of both logs, most rows first
  Distribution rows_per_user;       // of users with rows
  Distribution rows_per_video;      // of videos with rows
  double gini = 0.0;                // of rows over all videos of the table
  double top_fifth = 0.0;           // share of the rows that the most shown 20 % of the table's videos hold
  double next_day_return = 0.0;  // of (user, day) with rows, the log's last day left out: share with rows a day later
  /// Sessions: runs of a user's rows with gaps of at most 30 minutes, by time_ms.
  Distribution session_rows, session_minutes;
};

/// Which rows are described.
enum class LogPart : std::uint8_t { kBoth, kStandard, kRandom };

DataStatistics describe_data(const Dataset& data, int threads = 0, LogPart part = LogPart::kBoth);

/// As JSON, unrounded; keys are the fields' names.
Json statistics_to_json(const DataStatistics& statistics);

}  // namespace swipegym
