#include "core/given_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/json_text.h"
#include "core/text.h"

namespace swipegym {
namespace {

constexpr std::size_t kLongestShown = 100;  // bytes of a message

std::vector<std::string> parts_of_key(const std::string& key) {
  std::vector<std::string> parts(1);
  for (const char c : key)
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

// Text that no JSON could be, or that must be some: {"a": 1, [1, "x".
bool begins_like_json(const std::string& text) {
  return !text.empty() && (text[0] == '{' || text[0] == '[' || text[0] == '"');
}

// Objects join, anything else is replaced.
void lay_over(Json& below, const Json& above) {
  if (!below.is_object() || !above.is_object()) {
    below = above;
    return;
  }
  for (const auto& [key, value] : above.items()) lay_over(below[key], value);
}

// The settings whose last word is that of an unknown key, for a suggestion: 'network.width' for 'width'.
std::vector<std::string> ending_in(const std::vector<FieldLine>& lines, const std::string& key) {
  std::vector<std::string> paths;
  for (const FieldLine& line : lines)
    if (line.path.ends_with("." + key) && line.path.find('[') == std::string::npos) paths.push_back(line.path);
  return paths;
}

bool begins_a_path(const std::vector<FieldLine>& lines, const std::string& word) {
  const auto begins = [&](const std::string& path) { return path == word || path.starts_with(word + "."); };
  return std::any_of(lines.begin(), lines.end(), [&](const FieldLine& line) {
    return begins(line.path) || std::any_of(line.former.begin(), line.former.end(), begins);
  });
}

}  // namespace

Json TypedSetting::object() const {
  const std::vector<std::string> parts = parts_of_key(key);
  Json inner = value;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    Json outer = Json::object();
    outer[*part] = std::move(inner);
    inner = std::move(outer);
  }
  return inner;
}

TypedSetting parse_typed_setting(const std::string& text, const std::string& option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError(fmt::format("{} is '{}', expected KEY=JSON, as in env_steps=100000", option, text));
  TypedSetting typed{.key = text.substr(0, equals), .value = {}, .where = fmt::format("{} {}", option, text)};
  if (typed.where.size() > kLongestShown)
    typed.where = fmt::format("{} {}", option, typed.key.substr(0, kLongestShown));
  if (as_utf8(text) != text) throw InputError(fmt::format("{}: bytes here are no UTF-8 text", typed.where));
  if (std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(equals), '.') >=
      static_cast<std::ptrdiff_t>(kJsonDepth))
    throw InputError(fmt::format("{}: a key has at most {} words", typed.where, kJsonDepth));
  if (typed.key.find('[') != std::string::npos)
    throw InputError(fmt::format("{}: a list is set as a whole, as in {} '{}=[...]'", typed.where, option,
                                 typed.key.substr(0, typed.key.find('['))));
  const std::string value = text.substr(equals + 1);
  const bool is_json = Json::accept(value, /*ignore_comments=*/true);
  typed.value =
      is_json || begins_like_json(value) ? parse_json(value, fmt::format("{} {}", option, typed.key)) : Json(value);
  return typed;
}

GivenSettings GivenSettings::of_file(const std::filesystem::path& path) {
  GivenSettings given;
  given.where_ = path.string();
  given.text_ = read_text_file(path);
  given.base_ = parse_json(given.text_, given.where_);
  return given;
}

void GivenSettings::type(TypedSetting setting) {
  for (const TypedSetting& earlier : typed_)
    if (earlier.key == setting.key)
      throw InputError(fmt::format("{}: '{}' is set already, by {}", setting.where, setting.key, earlier.where));
  typed_.push_back(std::move(setting));
}

void GivenSettings::type_over(TypedSetting setting) {
  std::erase_if(typed_, [&](const TypedSetting& earlier) { return earlier.key == setting.key; });
  typed_.push_back(std::move(setting));
}

Json GivenSettings::all() const {
  Json out = base_.is_object() ? base_ : Json::object();
  for (const TypedSetting& typed : typed_) lay_over(out, typed.object());
  return out;
}

Json GivenSettings::on_top(const TypedSetting& typed, const std::vector<FieldLine>& lines) {
  if (!begins_a_path(lines, typed.key.substr(0, typed.key.find('.'))))
    if (const std::vector<std::string> meant = ending_in(lines, typed.key); !meant.empty())
      throw InputError(
          fmt::format("{}: unknown key '{}', did you mean '{}'?", typed.where, typed.key, fmt::join(meant, "' or '")));
  // Weights by name are read as a whole: the others stay as they are.
  for (const FieldLine& line : lines)
    if (line.fallback.is_object() && typed.key.starts_with(line.path + ".")) {
      TypedSetting whole{.key = line.path, .value = line.fallback, .where = {}};
      const TypedSetting one{.key = typed.key.substr(line.path.size() + 1), .value = typed.value, .where = {}};
      lay_over(whole.value, one.object());
      return whole.object();
    }
  return typed.object();
}

}  // namespace swipegym
