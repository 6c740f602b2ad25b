#pragma once

#include <cstddef>
#include <string>

#include "core/random.h"

namespace swipegym::fuzz {

/// The text with another value in some place of the JSON document behind its first `prefix` bytes: a number at the edge
/// of a type, another kind of value, a member or entries more or less, a thousand brackets. Empty, which asks for
/// libFuzzer's own changes, one time in three and where there is no document.
std::string change_json(const std::string& text, std::size_t prefix, RandomStream& random);

}  // namespace swipegym::fuzz
