#pragma once

#include <cstdint>

namespace swipegym {

/// Kuaishou's clock: KuaiRand's date and hourmin are in China Standard Time.
inline constexpr std::int64_t kUtcOffsetMs = 8LL * 3600 * 1000;
inline constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

/// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
constexpr std::int32_t days_from_civil(std::int32_t year, std::int32_t month, std::int32_t day) noexcept {
  year -= month <= 2;
  const std::int32_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int32_t of_era = year - era * 400;
  const std::int32_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/// yyyymmdd of a day number.
constexpr std::int32_t date_of_days(std::int32_t days) noexcept {
  days += 719468;
  const std::int32_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int32_t of_era = days - era * 146097;
  const std::int32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int32_t shifted = (5 * of_year + 2) / 153;
  const std::int32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return year * 10000 + month * 100 + of_year - (153 * shifted + 2) / 5 + 1;
}

constexpr std::int32_t days_of_date(std::int32_t date) noexcept {
  return days_from_civil(date / 10000, date / 100 % 100, date % 100);
}

/// True for a day of the calendar between 1970 and 2099, written yyyymmdd.
constexpr bool is_date(std::int64_t date) noexcept {
  if (date < 19700101 || date > 20991231) return false;
  const std::int64_t month = date / 100 % 100, day = date % 100;
  if (month >= 1 && month <= 12 && day >= 1 && day <= 28) return true;  // nearly all: rows are checked one by one
  return date_of_days(days_of_date(static_cast<std::int32_t>(date))) == date;
}

/// True for hhmm.
constexpr bool is_hourmin(std::int64_t hourmin) noexcept {
  return hourmin >= 0 && hourmin < 2400 && hourmin % 100 < 60;
}

/// The date (yyyymmdd) and hhmm that Kuaishou's clock shows at a Unix time.
constexpr std::int32_t date_of_time(std::int64_t time_ms) noexcept {
  return date_of_days(static_cast<std::int32_t>((time_ms + kUtcOffsetMs) / kDayMs));
}
constexpr std::int16_t hourmin_of_time(std::int64_t time_ms) noexcept {
  const auto minute = static_cast<std::int32_t>((time_ms + kUtcOffsetMs) % kDayMs / 60000);
  return static_cast<std::int16_t>(minute / 60 * 100 + minute % 60);
}

}  // namespace swipegym
