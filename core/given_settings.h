#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"

namespace swipegym {

/// One setting that a person typed, "network.width=32".
struct TypedSetting {
  std::string key;    // "network.width"
  Json value;         // 32
  std::string where;  // what messages call it: "--set network.width=32"

  /// What a file would say: {"network": {"width": 32}}.
  Json object() const;
};

/// "KEY=JSON", KEY a path of settings with dots between. A value that is no JSON is text, unless it begins like a list,
/// an object or a text. Throws InputError for what has no KEY=, for what is no UTF-8 and for JSON that parse_json()
/// refuses; `option` is what messages call it ("--set").
TypedSetting parse_typed_setting(const std::string& text, const std::string& option);

/// Settings as a command is given them: an object of JSON, of a file mostly, and what was typed on top of it. Each
/// typed setting changes one value of the settings that would be used without it and leaves the others.
class GivenSettings {
 public:
  GivenSettings() = default;
  /// `where` is what messages call them.
  GivenSettings(Json settings, std::string where) : base_(std::move(settings)), where_(std::move(where)) {}
  static GivenSettings of_file(const std::filesystem::path& path);

  /// Throws InputError for a key that is there already, of which one would be lost.
  void type(TypedSetting setting);
  /// The same in place of what was typed for that key.
  void type_over(TypedSetting setting);

  const std::string& where() const noexcept { return where_; }
  /// Everything that is said, under the names it is said by, for what must be known before a struct is read. What is
  /// no object has no settings.
  Json all() const;

  /// The settings read into a struct, with `defaults` where they are silent; throws InputError as core/config.h does.
  template <class Config>
  Config read(Config defaults = {}) const {
    auto config = config_from_json<Config>(base_, {where_, text_}, std::move(defaults));
    for (const TypedSetting& typed : typed_)
      config = config_from_json<Config>(on_top(typed, list_fields(config)), {typed.where}, std::move(config));
    return config;
  }

 private:
  // What a file would say to change this one value of settings that stand as `lines` tell.
  static Json on_top(const TypedSetting& typed, const std::vector<FieldLine>& lines);

  Json base_ = Json::object();
  std::string where_ = "the defaults";
  std::string text_{};  // of a file
  std::vector<TypedSetting> typed_;
};

/// Settings as they are used, whole: read, and checked where they have a check() that relates them.
template <class Config>
Json used_settings(const GivenSettings& given, const Config& defaults = {}) {
  const auto config = given.read(defaults);
  if constexpr (requires { check(config); }) check(config);
  return config_to_json(config);
}

}  // namespace swipegym
