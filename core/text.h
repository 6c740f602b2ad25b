#pragma once

#include <string>
#include <string_view>

#include "core/config.h"

namespace swipegym {

/// Text that may be shown and stored, of bytes that may be anything (a path, a cell of a file): what is not UTF-8 is
/// written as \xE9 is here. Text that is UTF-8 stays as it is.
std::string as_utf8(std::string_view bytes);
/// The same for a terminal: control characters but line ends and tabs are written so too, that none of them acts.
std::string printable(std::string_view bytes);
/// The bytes that as_utf8() wrote so.
std::string bytes_of(std::string_view text);

/// JSON as text, whatever bytes its strings hold.
std::string json_text(const Json& json, int indent = -1);

}  // namespace swipegym
