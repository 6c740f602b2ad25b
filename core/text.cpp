#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>

namespace swipegym {
namespace {

// Bytes of the UTF-8 character that `bytes` begin with; 0 where they begin with none. Overlong forms, surrogates and
// what is beyond Unicode are none.
std::size_t character_size(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (byte(0) < 0x80) return 1;
  const std::size_t size = byte(0) >= 0xC2 && byte(0) < 0xE0   ? 2
                           : byte(0) >= 0xE0 && byte(0) < 0xF0 ? 3
                           : byte(0) >= 0xF0 && byte(0) < 0xF5 ? 4
                                                               : 0;
  if (size == 0 || bytes.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  const bool overlong = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
  const bool outside = (byte(0) == 0xED && byte(1) >= 0xA0) || (byte(0) == 0xF4 && byte(1) >= 0x90);
  return overlong || outside ? 0 : size;
}

// C0, DEL and C1, but the two that lay out text.
bool is_control(std::string_view character) {
  const auto first = static_cast<std::uint8_t>(character[0]);
  if (character.size() == 2) return first == 0xC2 && static_cast<std::uint8_t>(character[1]) < 0xA0;
  return character.size() == 1 && (first < 0x20 || first == 0x7F) && first != '\n' && first != '\t';
}

std::string escape(std::string_view bytes, bool controls_too) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    const std::string_view next = bytes.substr(0, std::max<std::size_t>(size, 1));
    if (size > 0 && !(controls_too && is_control(next)))
      out += next;
    else
      for (const char c : next)
        fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned>(static_cast<std::uint8_t>(c)));
    bytes.remove_prefix(next.size());
  }
  return out;
}

Json with_text(const Json& json) {
  if (json.is_string()) return as_utf8(json.get_ref<const std::string&>());
  if (!json.is_structured()) return json;
  Json out = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items())
    if (json.is_array())
      out.push_back(with_text(value));
    else
      out[as_utf8(key)] = with_text(value);
  return out;
}

}  // namespace

std::string as_utf8(std::string_view bytes) {
  return escape(bytes, /*controls_too=*/false);
}

std::string printable(std::string_view bytes) {
  return escape(bytes, /*controls_too=*/true);
}

std::string bytes_of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* const digits = text.data() + i + 2;
    if (text.substr(i, 2) == "\\x" && i + 4 <= text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string json_text(const Json& json, int indent) {
  return with_text(json).dump(indent);
}

}  // namespace swipegym
