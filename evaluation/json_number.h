#pragma once

#include "core/json_number.h"
#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

inline Json json_interval(const Interval& interval) {
  return {
      {"mean", json_number(interval.mean)}, {"low", json_number(interval.low)}, {"high", json_number(interval.high)}};
}

}  // namespace swipegym
