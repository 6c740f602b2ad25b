#pragma once

#include <cstdint>
#include <string>

namespace swipegym {

/// Days from one yyyymmdd to another, for people: "20220505 to 20220508", "20220505 or later" and the like where an end
/// is open (no day of the calendar), "no day" where the last comes before the first.
std::string days_text(std::int32_t from, std::int32_t until);

}  // namespace swipegym
