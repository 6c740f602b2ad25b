#include "sim_data/csv/interaction_time.h"

#include <charconv>
#include <cmath>

#include "sim_data/calendar.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

constexpr double kMillisecondsFrom = 1e11;  // as seconds this is the year 5138

// Takes characters off the front of a text.
struct Scanner {
  std::string_view left;

  bool take(char c) noexcept {
    if (left.empty() || left.front() != c) return false;
    left.remove_prefix(1);
    return true;
  }
  // Exactly `digits` of them.
  bool number(std::size_t digits, std::int32_t& value) noexcept {
    if (left.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (left[i] < '0' || left[i] > '9') return false;
      value = value * 10 + (left[i] - '0');
    }
    left.remove_prefix(digits);
    return true;
  }
};

// Any number of digits behind the point of seconds; those behind milliseconds are cut.
bool take_fraction(Scanner& in, std::int32_t& ms) noexcept {
  ms = 0;
  std::int32_t digit = 0, place = 100;
  bool any = false;
  for (; in.number(1, digit); place /= 10, any = true) ms += digit * place;
  return any;
}

// "Z", "+08:00", "+0800", "+08", or nothing; the zone's distance from UTC.
bool take_zone(Scanner& in, std::int64_t& offset_ms) noexcept {
  if (in.left.empty() || in.take('Z') || in.take('z')) {
    return in.left.empty();
  }
  const bool west = in.take('-');
  std::int32_t hours = 0, minutes = 0;
  if ((!west && !in.take('+')) || !in.number(2, hours) || hours > 23) return false;
  if (!in.left.empty()) in.take(':');
  if (!in.left.empty() && (!in.number(2, minutes) || minutes > 59)) return false;
  offset_ms = (std::int64_t{hours} * 60 + minutes) * 60000 * (west ? -1 : 1);
  return in.left.empty();
}

bool parse_iso(std::string_view text, std::int64_t& time_ms) noexcept {
  Scanner in{text};
  std::int32_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0;
  if (!in.number(4, year) || (!in.take('-') && !in.take('/')) || !in.number(2, month) ||
      (!in.take('-') && !in.take('/')) || !in.number(2, day) || !is_date(year * 10000 + month * 100 + day))
    return false;
  std::int64_t offset_ms = kUtcOffsetMs;
  if (!in.left.empty()) {
    if (!in.take(' ') && !in.take('T') && !in.take('t')) return false;
    if (!in.number(2, hour) || hour > 23 || !in.take(':') || !in.number(2, minute) || minute > 59) return false;
    if (in.take(':') && (!in.number(2, second) || second > 59)) return false;
    if ((in.take('.') || in.take(',')) && !take_fraction(in, ms)) return false;
    if (!in.left.empty()) {
      in.take(' ');  // "10:00:00 +08:00"
      offset_ms = 0;
      if (in.left.empty() || !take_zone(in, offset_ms)) return false;
    }
  }
  time_ms = days_from_civil(year, month, day) * kDayMs + ((hour * 60 + minute) * 60 + second) * std::int64_t{1000} +
            ms - offset_ms;
  return true;
}

}  // namespace

bool parse_time(std::string_view text, double unit_ms, std::int64_t& time_ms) noexcept {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) {
    if (unit_ms == 0.0) unit_ms = value < kMillisecondsFrom ? 1000.0 : 1.0;
    value *= unit_ms;
    if (!(value >= 0.0 && value <= static_cast<double>(kMaxTimeMs))) return false;
    time_ms = std::llround(value);
    return true;
  }
  return parse_iso(text, time_ms) && log_limits::kTime.allow(time_ms);
}

}  // namespace swipegym
