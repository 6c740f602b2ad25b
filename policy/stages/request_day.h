#pragma once

#include <cstdint>

#include "policy/stages/request.h"
#include "sim_data/calendar.h"
#include "sim_data/days_off.h"

namespace swipegym {

/// The day of request i, days since 1970-01-01: the env's, or the last one that the catalogue knows where there is no
/// env.
inline std::int32_t request_day(const Requests& requests, std::size_t i, const Catalogue& catalogue) {
  if (requests.batch.env != nullptr) return day_of_time(requests.batch.env->next_shown(requests.rows[i], 0).time_ms);
  return catalogue.until == 0 ? 0 : days_of_date(catalogue.until);
}

}  // namespace swipegym
