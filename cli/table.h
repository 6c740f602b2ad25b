#pragma once

#include "evaluation/text_table.h"

namespace swipegym::cli {

inline std::string show_interval(double mean, double low, double high, int digits = 2) {
  return swipegym::show_interval({mean, low, high}, digits);
}

}  // namespace swipegym::cli
