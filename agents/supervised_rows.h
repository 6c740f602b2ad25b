#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "agents/supervised_task.h"
#include "core/random.h"

namespace swipegym {

/// Standard rows of a known duration dated in one of the ranges, ascending.
inline std::vector<std::uint32_t> rows_of_days(const Dataset& data, std::initializer_list<DayRange> ranges) {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (data.log.is_random[row] == 0 && data.log.duration_ms[row] > 0 &&
        std::any_of(ranges.begin(), ranges.end(),
                    [&](const DayRange& days) { return days.contains(data.log.date[row]); }))
      rows.push_back(static_cast<std::uint32_t>(row));
  return rows;
}

/// The same rows in an order drawn from the key (Fisher and Yates).
inline std::vector<std::uint32_t> shuffled(std::vector<std::uint32_t> rows, RandomKey key) {
  RandomStream random(key);
  for (std::size_t i = rows.size(); i > 1; --i)
    std::swap(rows[i - 1], rows[random.below(static_cast<std::uint32_t>(i))]);
  return rows;
}

}  // namespace swipegym
