#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim_data/calendar.h"
#include "sim_data/log.h"
#include "sim_data/log_row.h"

namespace swipegym {

/// What the columns of a log may hold, said here and nowhere else: the parser of CSV files, the reader and the writer
/// of stores, the writer of CSV files and Python's Log all ask this file.
struct ColumnLimits {
  std::string_view name;
  std::int64_t low, high;
  std::string_view expected;                       // for messages
  bool (*is_day_or_time)(std::int64_t) = nullptr;  // dates and times of day have gaps between low and high

  constexpr bool allow(std::int64_t value) const noexcept {
    return value >= low && value <= high && (is_day_or_time == nullptr || is_day_or_time(value));
  }
};

inline constexpr std::int64_t kMaxSpanMs = 1'000'000'000;  // play and duration: 11.6 days
/// The last millisecond whose date the calendar holds.
inline constexpr std::int64_t kMaxTimeMs = std::int64_t{days_from_civil(2100, 1, 1)} * kDayMs - kUtcOffsetMs - 1;
inline constexpr std::int64_t kMaxRawId = 999'999'999'999'999'999;  // 18 digits

namespace log_limits {
inline constexpr bool is_day(std::int64_t value) {
  return is_date(value);
}
inline constexpr bool is_time_of_day(std::int64_t value) {
  return is_hourmin(value);
}

inline constexpr ColumnLimits kDate{"date", 19700101, 20991231, "a date yyyymmdd from 1970 to 2099", is_day};
inline constexpr ColumnLimits kHourmin{"hourmin", 0, 2359, "a time hhmm", is_time_of_day};
inline constexpr ColumnLimits kTime{"time_ms", 0, kMaxTimeMs, "milliseconds since 1970, before the year 2100"};
inline constexpr ColumnLimits kPlay{"play_time_ms", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000"};
inline constexpr ColumnLimits kDuration{"duration_ms", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000"};
inline constexpr ColumnLimits kRandom{"is_rand", 0, 1, "0 or 1"};
inline constexpr ColumnLimits kTab{"tab", 0, 254, "an integer from 0 to 254"};
inline constexpr ColumnLimits kUserId{"user_id", 0, kMaxRawId, "an id of at most 18 digits"};
inline constexpr ColumnLimits kVideoId{"video_id", 0, kMaxRawId, "an id of at most 18 digits"};
}  // namespace log_limits

/// A probability above 0 and at most 1; NaN where none is known.
constexpr bool is_propensity(float value) noexcept {
  return value != value || (value > 0.0F && value <= 1.0F);
}

/// True for a row that a log of so many users and videos may hold.
bool is_valid(const LogRow& row, std::size_t users, std::size_t videos) noexcept;

/// Throws InputError that names the column and the value ("date is 20230231, expected ...") unless is_valid(row).
void validate(const LogRow& row, std::size_t users, std::size_t videos);

/// Throws InputError that names the first column and row that a log may not hold ("tab[3] is 255, expected ..."), or
/// two columns of different lengths. The propensity column may be empty.
void validate(const Log& log, std::size_t users, std::size_t videos);

/// The same for one column, whatever its type: check_column(log_limits::kDate, std::span(dates)).
[[noreturn]] void throw_not_allowed(const ColumnLimits& limits, std::int64_t value);
[[noreturn]] void throw_not_allowed(const ColumnLimits& limits, std::size_t row, std::int64_t value);
[[noreturn]] void throw_no_propensity(float value);
template <class T>
void check_column(const ColumnLimits& limits, std::span<const T> values) {
  for (std::size_t row = 0; row < values.size(); ++row)
    if (!limits.allow(static_cast<std::int64_t>(values[row])))
      throw_not_allowed(limits, row, static_cast<std::int64_t>(values[row]));
}

}  // namespace swipegym
