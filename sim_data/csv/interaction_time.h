#pragma once

#include <cstdint>
#include <string_view>

namespace swipegym {

/// Reads a time: Unix time in units of `unit_ms` (0: seconds, or milliseconds from 100,000,000,000 on), or a day and
/// time of day as ISO 8601 has it ("2022-04-25 10:00:00.250", "2022-04-25T02:00Z", "2022-04-25"). Without a zone behind
/// it, that is the time of Kuaishou's clock, so that days stay the ones that stand there. False for anything else and
/// for times that a log may not hold.
bool parse_time(std::string_view text, double unit_ms, std::int64_t& time_ms) noexcept;

}  // namespace swipegym
