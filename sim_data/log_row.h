#pragma once

#include <cstdint>

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
  std::int16_t hourmin = 0;
  std::uint8_t tab = 0;
  SignalBits signals = 0;
  std::uint8_t is_random = 0;
};
static_assert(sizeof(LogRow) == 40);

/// Writes a row to position i of the columns.
inline void store_row(const LogRow& row, Log& log, std::size_t i) {
  log.user[i] = UserIndex{row.user};
  log.video[i] = VideoIndex{row.video};
  log.time_ms[i] = row.time_ms;
  log.play_ms[i] = row.play_ms;
  log.duration_ms[i] = row.duration_ms;
  log.date[i] = row.date;
  log.hourmin[i] = row.hourmin;
  log.tab[i] = row.tab;
  log.signals[i] = row.signals;
  log.is_random[i] = row.is_random;
  log.source_row[i] = row.source_row;
}

/// Row i of the columns.
inline LogRow row_at(const Log& log, std::size_t i) {
  return {.time_ms = log.time_ms[i],
          .user = index_of(log.user[i]),
          .video = index_of(log.video[i]),
          .play_ms = log.play_ms[i],
          .duration_ms = log.duration_ms[i],
          .date = log.date[i],
          .source_row = log.source_row[i],
          .hourmin = log.hourmin[i],
          .tab = log.tab[i],
          .signals = log.signals[i],
          .is_random = log.is_random[i]};
}

}  // namespace swipegym
