#include "sim_data/day_text.h"

#include <fmt/format.h>

#include "sim_data/calendar.h"

namespace swipegym {

std::string days_text(std::int32_t from, std::int32_t until) {
  if (until < from) return "no day";
  if (!is_date(from) && !is_date(until)) return "any day";
  if (!is_date(until)) return fmt::format("{} or later", from);
  if (!is_date(from)) return fmt::format("{} or earlier", until);
  return fmt::format("{} to {}", from, until);
}

}  // namespace swipegym
