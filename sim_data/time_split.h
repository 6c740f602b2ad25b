#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim_data/dataset.h"

namespace swipegym {

/// Days of training, validation and test, by the files' own date (rows without one of these dates belong to none).
/// History for a row is always the user's earlier rows, in whichever part they lie.
struct TimeSplit {
  std::int32_t train_until = 0;     // yyyymmdd: train is date <= this
  std::int32_t validate_until = 0;  // validation is train_until < date <= this; 0: none
  std::int32_t test_until = 99999999;
};

/// Row positions of each part, ascending, so still ordered by (user, time_ms).
struct SplitRows {
  std::vector<std::uint64_t> train, validate, test;
};

/// Throws InputError when the dates are not in order or no row has a date of the training days.
SplitRows split_by_time(const Log& log, const TimeSplit& split);

/// Positions of the rows with from <= date <= until. Throws InputError, naming the dates the log does hold, when there
/// are none.
std::vector<std::uint64_t> rows_between(const Log& log, std::int32_t from, std::int32_t until);

/// The first and last date of a log; {0, 0} when it is empty.
struct DateRange {
  std::int32_t first = 0, last = 0;
};
DateRange date_range(const Log& log);

}  // namespace swipegym
