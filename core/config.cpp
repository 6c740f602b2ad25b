#include "core/config.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "core/error.h"

namespace swipegym {
namespace detail {

void throw_unknown_key(const std::string& where, const std::string& path, const std::vector<std::string>& known) {
  std::string list;
  for (const std::string& key : known) list += (list.empty() ? "" : ", ") + key;
  throw InputError(fmt::format("{}: unknown key '{}'; known keys here are: {}", where, path, list));
}

void throw_wrong_type(const std::string& where, const std::string& path, const Json& value, std::string_view expected) {
  throw InputError(fmt::format("{}: {} is {}, expected {}", where, path.empty() ? "the file" : "'" + path + "'",
                               value.dump().substr(0, 60), expected));
}

std::int64_t read_integer(const Json& value, const std::string& where, const std::string& path, std::int64_t low,
                          std::uint64_t high) {
  // Written so that -1 cannot become 4294967295 on its way into an unsigned field.
  const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= high
                                               : value.is_number_integer() && value.get<std::int64_t>() >= low;
  if (!fits) throw_wrong_type(where, path, value, fmt::format("an integer in [{}, {}]", low, high));
  return value.is_number_unsigned() ? static_cast<std::int64_t>(value.get<std::uint64_t>()) : value.get<std::int64_t>();
}

}  // namespace detail

double ConfigWriter::shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  double wide = 0.0;
  std::from_chars(text, end.ptr, wide);
  return wide;
}

Json read_json(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    throw InputError(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno == 0 ? EISDIR : errno)));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  try {
    return Json::parse(text, nullptr, /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const Json::parse_error& error) {
    const std::size_t end = std::min(text.size(), error.byte == 0 ? 0 : error.byte - 1);
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    const std::size_t line_start = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    const std::size_t column = line_start == std::string::npos ? end + 1 : end - line_start;
    throw InputError(fmt::format("{}:{}:{}: not valid JSON here; check for a missing comma, quote or bracket",
                                 path.string(), line, column));
  }
}

}  // namespace swipegym
