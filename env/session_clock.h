#pragma once

#include <cstdint>

namespace swipegym {

inline constexpr std::int64_t kPauseMs = 1000;  // between the end of a video of a session and the next one's start

}  // namespace swipegym
