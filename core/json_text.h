#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace swipegym {

using Json = nlohmann::ordered_json;

/// Lists and objects may stand in each other so deep; no file of ours comes near.
inline constexpr std::size_t kJsonDepth = 64;

/// The one way from outside text to JSON (// comments allowed). Throws InputError "where:line:column: ..." for text
/// that is malformed, no UTF-8 or nested deeper than kJsonDepth, for a number beyond what a double holds, and for a key
/// that stands twice in an object, of which one would be lost.
Json parse_json(std::string_view text, const std::string& where);

/// The same for a whole file.
Json read_json(const std::filesystem::path& path);

/// The bytes of a file; InputError when it cannot be read.
std::string read_text_file(const std::filesystem::path& path);

/// "file:3:12" of the value that a path such as "network.hidden[1]" leads to in JSON text; `where` alone when there is
/// no such value.
std::string place_in_json(std::string_view text, const std::string& where, std::string_view path);

}  // namespace swipegym
