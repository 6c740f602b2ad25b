#pragma once

#include <cstdint>
#include <vector>

#include "env/fitted/row_encoder.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Which rows take part: users whose index falls into fold i of k (by a hash), dates up to `until`.
struct FitWindow {
  std::int32_t until = 99999999;
  std::uint32_t fold = 0, folds = 1;
};

/// A log as a fit reads it: every row up to the window's end, encoded once. All that is fitted is fitted on these; the
/// data stands by for what a row itself says.
struct FitLog {
  const Dataset& data;
  FitWindow window;
  RowEncoder encoder;                 // learned from the fold's rows with a known duration
  std::vector<std::uint8_t> in_fold;  // [users]
  std::uint64_t rows = 0;             // of the fold, with a known duration
  std::uint64_t random_rows = 0;      // of those

  // Rows of all users, in the order of the log.
  std::vector<std::uint64_t> offset;  // [users + 1] into the following
  std::vector<std::uint32_t> row;     // of the log
  std::vector<HistoryEvent> event;
  std::vector<std::uint8_t> bin;  // of the play time; 0 where the duration is unknown
};

/// Learns the encoder and encodes the log. Throws InputError when the fold has no row with a known duration.
FitLog encode_log(const Dataset& data, const FitWindow& window);

}  // namespace swipegym
