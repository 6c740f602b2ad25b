#include "sim_data/time_split.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "sim_data/day_text.h"

namespace swipegym {

std::vector<std::uint64_t> rows_between(const Log& log, std::int32_t from, std::int32_t until) {
  std::vector<std::uint64_t> rows;
  for (std::uint64_t i = 0; i < log.size(); ++i)
    if (log.date[i] >= from && log.date[i] <= until) rows.push_back(i);
  if (rows.empty()) {
    const DateRange held = date_range(log);
    throw InputError(log.size() == 0 ? fmt::format("no row is dated {}: the log is empty", days_text(from, until))
                                     : fmt::format("no row is dated {}: the log holds {}", days_text(from, until),
                                                   days_text(held.first, held.last)));
  }
  return rows;
}

DateRange date_range(const Log& log) {
  if (log.size() == 0) return {};
  const auto [first, last] = std::minmax_element(log.date.begin(), log.date.end());
  return {*first, *last};
}

}  // namespace swipegym
