#pragma once

#include <cmath>

#include "core/json_text.h"

namespace swipegym {

/// JSON has no NaN: a figure that is not defined is null.
inline Json json_number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

}  // namespace swipegym
