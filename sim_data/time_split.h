#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim_data/dataset.h"

namespace swipegym {

/// Positions of the rows with from <= date <= until. Throws InputError, naming the dates the log does hold, when there
/// are none.
std::vector<std::uint64_t> rows_between(const Log& log, std::int32_t from, std::int32_t until);

/// The first and last date of a log; {0, 0} when it is empty.
struct DateRange {
  std::int32_t first = 0, last = 0;
};
DateRange date_range(const Log& log);

}  // namespace swipegym
