#include "core/config.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/nearest_word.h"

namespace swipegym {
namespace detail {
namespace {

// JSON has no word for what is not finite, and text that is none must not stop a message.
std::string show(const Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) return fmt::format("{}", value.get<double>());
  return value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

// Where a setting stands in the text, under whatever name.
std::string place(const ConfigSource& source, const std::string& path) {
  for (const auto& [now, old] : source.moved)
    if (path == now || path.starts_with(now + ".")) return place_in_json(source.text, source.where, old);
  return place_in_json(source.text, source.where, path);
}

}  // namespace

std::string weights_expected(const std::vector<std::string>& names, const Range& range) {
  return fmt::format("weights by name of {}, each {}", fmt::join(names, ", "), range.expected<float>());
}

void throw_unknown_key(const ConfigSource& source, const std::string& path, const std::vector<std::string>& known) {
  std::string list;
  for (const std::string& key : known) list += (list.empty() ? "" : ", ") + key;
  const std::size_t last = path.rfind('.') + 1;  // 0 without a dot
  throw InputError(fmt::format("{}: unknown key '{}'{}; known keys here are: {}", place(source, path), path,
                               did_you_mean(path.substr(last), known, path.substr(0, last)), list));
}

void throw_setting(const ConfigSource& source, const std::string& path, const Json& value,
                   const std::string& expected) {
  throw InputError(fmt::format("{}: {} is {}, expected {}", place(source, path),
                               path.empty() ? "the file" : "'" + path + "'", show(value), expected));
}

void throw_setting(const std::string& path, const Json& value, const std::string& expected) {
  throw InputError(fmt::format("setting '{}' is {}, expected {}", path, show(value), expected));
}

}  // namespace detail

double ConfigWriter::shortest(float value) {
  if (!std::isfinite(value)) return static_cast<double>(value);
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  double wide = 0.0;
  std::from_chars(text, end.ptr, wide);
  return wide;
}

}  // namespace swipegym
