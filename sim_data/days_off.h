#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim_data/calendar.h"

namespace swipegym {

inline constexpr std::int32_t kCalendarYear = days_from_civil(2022, 1, 1), kCalendarDays = 365;

/// Days off of 2022, KuaiRand's year: weekends, the public holidays that the State Council named, and the weekend days
/// worked in exchange.
consteval std::array<bool, kCalendarDays> days_off_2022() {
  struct Change {
    std::int32_t first, last;  // yyyymmdd
    bool off;
  };
  constexpr Change kChanges[] = {{20220101, 20220103, true},  {20220129, 20220130, false}, {20220131, 20220206, true},
                                 {20220402, 20220402, false}, {20220403, 20220405, true},  {20220424, 20220424, false},
                                 {20220430, 20220504, true},  {20220507, 20220507, false}, {20220603, 20220605, true},
                                 {20220910, 20220912, true},  {20221001, 20221007, true},  {20221008, 20221009, false}};
  std::array<bool, kCalendarDays> off{};
  for (std::int32_t i = 0; i < kCalendarDays; ++i) off[static_cast<std::size_t>(i)] = (kCalendarYear + i + 3) % 7 >= 5;
  for (const Change& change : kChanges)
    for (std::int32_t day = days_of_date(change.first); day <= days_of_date(change.last); ++day)
      off[static_cast<std::size_t>(day - kCalendarYear)] = change.off;
  return off;
}
inline constexpr std::array<bool, kCalendarDays> kDaysOff2022 = days_off_2022();

/// Whether people in China are off work on a day: of other years than 2022, on weekends.
constexpr bool is_day_off(std::int32_t days) noexcept {
  const std::int32_t of_year = days - kCalendarYear;
  if (of_year >= 0 && of_year < kCalendarDays) return kDaysOff2022[static_cast<std::size_t>(of_year)];
  return ((days + 3) % 7 + 7) % 7 >= 5;  // 1970-01-01 was a Thursday
}

/// The day number on Kuaishou's clock at a Unix time.
constexpr std::int32_t day_of_time(std::int64_t time_ms) noexcept {
  return static_cast<std::int32_t>((time_ms + kUtcOffsetMs) / kDayMs);
}

}  // namespace swipegym
