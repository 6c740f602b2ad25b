#pragma once

#include <cmath>

#include "core/config.h"
#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// JSON has no NaN: a figure that is not defined is null.
inline Json json_number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

inline Json json_interval(const Interval& interval) {
  return {
      {"mean", json_number(interval.mean)}, {"low", json_number(interval.low)}, {"high", json_number(interval.high)}};
}

}  // namespace swipegym
