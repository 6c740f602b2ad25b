#include "sim_data/time_split.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "sim_data/day_text.h"

namespace swipegym {

SplitRows split_by_time(const Log& log, const TimeSplit& split) {
  const std::int32_t validate_until = std::max(split.validate_until, split.train_until);
  if (split.validate_until != 0 && split.validate_until <= split.train_until)
    throw InputError(fmt::format("the validation days end on {}, expected a date after the last training day {}",
                                 split.validate_until, split.train_until));
  if (split.test_until < validate_until)
    throw InputError(
        fmt::format("the test days end on {}, before they begin (after {})", split.test_until, validate_until));
  SplitRows rows;
  for (std::uint64_t i = 0; i < log.size(); ++i) {
    const std::int32_t date = log.date[i];
    if (date <= split.train_until) {
      rows.train.push_back(i);
    } else if (date <= validate_until) {
      rows.validate.push_back(i);
    } else if (date <= split.test_until) {
      rows.test.push_back(i);
    }
  }
  if (rows.train.empty()) rows_between(log, 0, split.train_until);  // says which dates there are
  return rows;
}

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
