#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swipegym {

/// The word nearest to `word` by edit distance, or empty when none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

/// ", did you mean 'width'?" for the nearest one, or empty; `prefix` stands before it.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known, std::string_view prefix = "");

}  // namespace swipegym
