#pragma once

#include <cstdint>
#include <vector>

#include "env/fitted/feature_encoder.h"
#include "env/fitted/response_cells.h"
#include "env/fitted/watch_grid.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Half the bytes of a float, for storage. Clang has _Float16 on x86 from version 15 on.
#if defined(__clang_major__) && __clang_major__ < 15
using HalfFloat = __fp16;
#else
using HalfFloat = _Float16;
#endif

/// The rows a simulator is fitted on, with the features that depend on time already causal: a row's history is the
/// user's strictly earlier rows, its item statistics come from strictly earlier days.
struct TrainingRows {
  std::vector<std::uint32_t> log_row;  // row of the data set
  std::vector<HalfFloat> dense;        // [rows, kHistoryFeatures + kItemDense]
  std::vector<std::uint8_t> bin;       // watch bin
  std::vector<std::uint8_t> leaves;    // 1 last of its session, 0 not, kUnknown when the log ends too early to tell
  HistoryClip clip;
  static constexpr std::uint8_t kUnknown = 2;
  static constexpr std::size_t kWidth = kHistoryFeatures + kItemDense;

  std::size_t size() const noexcept { return log_row.size(); }
};

/// Which rows take part: users whose index falls into fold i of k (by a hash), dates up to `until`.
struct FitWindow {
  std::int32_t until = 99999999;
  std::uint32_t fold = 0, folds = 1;
};
bool in_fold(const FitWindow& window, std::uint32_t user) noexcept;

/// What a log row adds to a history, given the cells; ids and time filled in.
HistoryEvent event_of_row(const Dataset& data, std::uint32_t row, const FeatureEncoder& encoder,
                          const ResponseCells& cells, const WatchGrid& grid) noexcept;
HistoryQuery query_of_row(const Dataset& data, std::uint32_t row, const FeatureEncoder& encoder) noexcept;

/// `statistics` receives every fold row up to `until`: the item statistics a fitted simulator keeps.
TrainingRows make_training_rows(const Dataset& data, const FitWindow& window, const FeatureEncoder& encoder,
                                const ResponseCells& cells, const WatchGrid& grid, int threads,
                                ItemStatistics& statistics);

}  // namespace swipegym
