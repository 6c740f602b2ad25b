#pragma once

#include <cstdint>

#include "env/fitted/feature_encoder.h"
#include "env/fitted/response_cells.h"
#include "env/fitted/watch_grid.h"
#include "env/user_history.h"
#include "env/user_model.h"
#include "sim_data/log.h"

namespace swipegym {

/// How a fitted simulator reads a row, of a log or of a session: what it knows of the user and the video, where a play
/// time lies on the grid, and what answers to such rows lead one to expect. It is learned first (encode_log), and all
/// else is fitted through it.
struct RowEncoder {
  FeatureEncoder features;
  WatchGrid grid;
  ResponseCells cells;

  /// What the history features ask of a video about to be shown.
  HistoryQuery query(const Shown& shown) const noexcept;
  /// What a history remembers of an answer. Its `watched` is the caller's to fill.
  HistoryEvent event(const Shown& shown, bool random, WatchGrid::Place place, SignalBits signals) const noexcept;
  /// The same of a log row, `watched` included; its duration may be unknown.
  HistoryEvent event(const Log& log, std::uint32_t row, WatchGrid::Place place) const noexcept;
  HistoryEvent event(const Log& log, std::uint32_t row) const noexcept {
    return event(log, row, grid.place(log.play_ms[row], log.duration_ms[row]));
  }
};

/// A log row as the user met it.
Shown shown_of_row(const Log& log, std::uint32_t row) noexcept;

}  // namespace swipegym
