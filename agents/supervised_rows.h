#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "agents/supervised_task.h"

namespace swipegym {

/// Rows of a known duration dated in one of the ranges, ascending: those that the platform chose to show, or those of
/// uniform random exposure, or both.
inline std::vector<std::uint32_t> rows_of_days(const Dataset& data, std::initializer_list<DayRange> ranges,
                                               bool standard = true, bool random = false) {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if ((data.log.is_random[row] ? random : standard) && data.log.duration_ms[row] > 0 &&
        std::any_of(ranges.begin(), ranges.end(),
                    [&](const DayRange& days) { return days.contains(data.log.date[row]); }))
      rows.push_back(static_cast<std::uint32_t>(row));
  return rows;
}

/// At most so many of the rows, evenly spread.
inline std::vector<std::uint32_t> some_of(std::vector<std::uint32_t> rows, std::size_t most) {
  if (rows.size() <= most) return rows;
  for (std::size_t i = 0; i < most; ++i) rows[i] = rows[i * rows.size() / most];
  rows.resize(most);
  return rows;
}

}  // namespace swipegym
