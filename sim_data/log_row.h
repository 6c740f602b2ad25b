#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "sim_data/log.h"

namespace swipegym {

/// One logged row on its way from a file into columns; trivially copyable, since it may be spilled to disk.
struct LogRow {
  std::int64_t time_ms = 0;
  std::uint32_t user = 0;
  std::uint32_t video = 0;
  std::int32_t play_ms = 0;
  std::int32_t duration_ms = 0;
  std::int32_t date = 0;
  std::uint32_t source_row = 0;
  float propensity = std::numeric_limits<float>::quiet_NaN();  // NaN: unknown
  std::uint16_t hourmin : 15 = 0;
  std::uint16_t is_random : 1 = 0;
  std::uint8_t tab = 0;
  SignalBits signals = 0;
};
static_assert(sizeof(LogRow) == 40);

/// Writes a row to position i of the columns; its propensity only where the log keeps any.
inline void store_row(const LogRow& row, Log& log, std::size_t i) {
  log.user[i] = UserIndex{row.user};
  log.video[i] = VideoIndex{row.video};
  log.time_ms[i] = row.time_ms;
  log.play_ms[i] = row.play_ms;
  log.duration_ms[i] = row.duration_ms;
  log.date[i] = row.date;
  log.hourmin[i] = static_cast<std::int16_t>(row.hourmin);
  log.tab[i] = row.tab;
  log.signals[i] = row.signals;
  log.is_random[i] = row.is_random;
  log.source_row[i] = row.source_row;
  if (!log.propensity.empty()) log.propensity[i] = row.propensity;
}

/// Row i of the columns.
inline LogRow row_at(const Log& log, std::size_t i) {
  LogRow row{.time_ms = log.time_ms[i],
             .user = index_of(log.user[i]),
             .video = index_of(log.video[i]),
             .play_ms = log.play_ms[i],
             .duration_ms = log.duration_ms[i],
             .date = log.date[i],
             .source_row = log.source_row[i]};
  row.hourmin = static_cast<std::uint16_t>(log.hourmin[i]) & 0x7FFFU;
  row.is_random = log.is_random[i] & 1U;
  row.tab = log.tab[i];
  row.signals = log.signals[i];
  if (!log.propensity.empty()) row.propensity = log.propensity[i];
  return row;
}

/// Appends rows; the propensity column appears with the first row that has one.
inline void append_rows(std::span<const LogRow> rows, Log& log) {
  const std::size_t first = log.size();
  constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
  const bool any = std::any_of(rows.begin(), rows.end(), [](const LogRow& row) { return !std::isnan(row.propensity); });
  log.resize(first + rows.size());
  if (any || !log.propensity.empty()) log.propensity.resize(log.size(), kUnknown);
  for (std::size_t i = 0; i < rows.size(); ++i) store_row(rows[i], log, first + i);
}

}  // namespace swipegym
