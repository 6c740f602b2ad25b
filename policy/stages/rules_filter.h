#pragma once

#include <memory>

#include "policy/filtering/video_filter.h"
#include "policy/stages/stage_registry.h"

namespace swipegym {

/// The filter "rules": watched, own and unsuitable videos, those too old, and more than a few of one author, as
/// FilterSettings says.
std::shared_ptr<const Filter> make_rules_filter(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
