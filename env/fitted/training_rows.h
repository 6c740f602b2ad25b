#pragma once

#include <cstdint>
#include <vector>

#include "env/fitted/fit_log.h"
#include "env/user_history.h"

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
  std::vector<std::uint8_t> tab_class;
  std::vector<std::uint8_t> leaves;  // 1 last of its session, 0 not, kUnknown when the log ends too early to tell
  HistoryClip clip;
  std::vector<float> item_dense;  // [videos, kItemDense] item statistics after the last day
  static constexpr std::uint8_t kUnknown = 2;
  static constexpr std::size_t kWidth = kHistoryFeatures + kItemDense;

  std::size_t size() const noexcept { return log_row.size(); }
};

/// `threads` never changes the result.
TrainingRows make_training_rows(const FitLog& log, int threads);

}  // namespace swipegym
