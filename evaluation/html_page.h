#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swipegym {

/// What pages with charts have in common: one file, no script, light and dark.

/// Text as it may stand between tags.
std::string html_escape(std::string_view text);
/// The beginning of a page, up to its title as a heading: colours are the classes s0 to s7.
std::string html_head(const std::string& title);
/// The notes at its end, and the end itself.
std::string html_foot(const std::vector<std::string>& notes);
/// A step of 1, 2 or 5 times a power of ten that cuts `span` > 0 into about four.
double html_tick_step(double span);

}  // namespace swipegym
