#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "env/fitted/watch_grid.h"
#include "env/user_history.h"
#include "sim_data/log.h"

namespace swipegym {

/// Mean responses of a cell (exposure kind, tab class, duration group), against which histories and item statistics
/// measure what happened. Small cells lean on their tab class, and random exposure, of which a release may hold few
/// rows or none, leans on the standard cells tilted to the published click rate of random exposure.
class ResponseCells {
 public:
  struct Cell {
    std::array<float, WatchGrid::kBins> level{};  // expected position of a bin among the cell's plays, less one half
    float click = 0, long_view = 0, like = 0, profile = 0, other = 0, hate = 0, zero = 0;
  };

  ResponseCells() = default;
  /// From rows of the log with a known duration; places[i] is that of rows[i].
  ResponseCells(const Log& log, std::span<const std::uint32_t> rows, std::span<const WatchGrid::Place> places);

  const Cell& cell(bool random, std::size_t tab_class, std::size_t group) const noexcept {
    return cells_[((random ? kTabClasses : 0) + tab_class) * WatchGrid::kGroups + group];
  }
  /// What a history remembers of one answer. The ids of video, author and tag and the time are the caller's to fill.
  HistoryEvent event(bool random, std::uint8_t tab, std::int32_t duration_ms, WatchGrid::Place place,
                     SignalBits signals) const noexcept;

  /// Throws InputError unless every cell is there and holds means of what plays and signals can be.
  void validate() const;
  void save(Hdf5Writer& file) const;
  static ResponseCells load(const Hdf5Reader& file);

 private:
  static constexpr std::size_t kFloats = sizeof(Cell) / sizeof(float);
  static constexpr std::size_t kCells = 2 * kTabClasses * WatchGrid::kGroups;

  std::vector<Cell> cells_;  // [kCells]
};

}  // namespace swipegym
