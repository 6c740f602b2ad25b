#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_text.h"

namespace swipegym {

/// What a setting was called in an earlier version, or where it stood. Beside the visit_fields of a struct there may be
///
///   std::vector<FormerName> former_names(const DqnConfig&) { return {{.old = "slots", .now = "world.candidates"}}; }
///
/// and a file that says "slots" is read as if it said the other, with a remark (core/remarks.h) that names it. Names
/// are paths from that struct. They are tried in this order; docs/reference/settings.md lists them beside the setting.
struct FormerName {
  std::string old;
  std::string now{};                             // empty: the setting is gone, see `instead`
  bool (*meant)(const Json& value) = nullptr;    // whether a value is the old setting's, where `old` means another now
  Json (*convert)(const Json& value) = nullptr;  // into what the new setting holds; an object joins one that is there
  Json around{};          // what the object holds that the value moves into or becomes, where the file had none
  Json only{};            // of a setting that is gone: the one value a file may still give it; null: any
  std::string instead{};  // what there is now: the end of the remark "'old' is gone: "
};

template <class Config>
concept HasFormerNames = requires(const Config& config) {
  { former_names(config) } -> std::same_as<std::vector<FormerName>>;
};

/// The same options, settings and arguments are told the same way: "'slots' is called 'world.candidates' now".
std::string renamed_text(std::string_view old, std::string_view now);

/// The settings of a file under the names of today: a remark "where: ..." for each other one. `moved` is given {new
/// path, old path}, from the file's root, which `prefix` leads from. Throws InputError where a file says both.
Json under_present_names(const Json& object, const std::vector<FormerName>& names, const std::string& where,
                         const std::string& prefix, std::vector<std::pair<std::string, std::string>>& moved);

}  // namespace swipegym
