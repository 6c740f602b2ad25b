#pragma once

#include <string>
#include <vector>

#include "evaluation/platform/platform_study.h"

namespace swipegym {

/// One page with a curve a measure, self-contained.
std::string platform_page(const PlatformReport& report, const std::string& title,
                          const std::vector<std::string>& notes);

}  // namespace swipegym
