#pragma once

#include <limits>

namespace swipegym {

/// What a metric is where it has no value: no rows, a single class, a division by zero.
inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

}  // namespace swipegym
