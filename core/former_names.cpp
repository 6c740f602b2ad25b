#include "core/former_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/remarks.h"

namespace swipegym {
namespace {

// The parts of "world.reward.watch_s".
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path)
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

// What a path leads to; null where it leads nowhere.
Json* find(Json& object, const std::vector<std::string>& path) {
  Json* at = &object;
  for (const std::string& part : path) {
    if (!at->is_object() || !at->contains(part)) return nullptr;
    at = &(*at)[part];
  }
  return at;
}

// Takes the value of the old name out, and the object that held it when that is empty then.
Json take(Json& object, std::vector<std::string> path) {
  Json value = *find(object, path);
  do {
    const std::string last = path.back();
    path.pop_back();
    find(object, path)->erase(last);
  } while (!path.empty() && find(object, path)->empty());
  return value;
}

void put(Json& object, std::vector<std::string> path, const FormerName& name, Json value) {
  const std::string last = path.back();
  path.pop_back();
  const bool merges = name.convert != nullptr && value.is_object();
  const bool fills = name.convert == nullptr && name.around.is_object();
  Json* at = &object;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!at->is_object()) return;  // the reader of the whole says so
    Json& next = (*at)[path[i]];
    if (next.is_null()) next = fills && i + 1 == path.size() ? name.around : Json::object();
    at = &next;
  }
  if (!at->is_object()) return;
  Json& target = (*at)[last];
  if (!merges) {
    target = std::move(value);
    return;
  }
  if (target.is_null()) target = name.around.is_object() ? name.around : Json::object();
  if (target.is_object()) target.update(value);
}

}  // namespace

std::string renamed_text(std::string_view old, std::string_view now) {
  return fmt::format("'{}' is called '{}' now", old, now);
}

Json under_present_names(const Json& object, const std::vector<FormerName>& names, const std::string& where,
                         const std::string& prefix, std::vector<std::pair<std::string, std::string>>& moved) {
  Json present = object;
  for (const FormerName& name : names) {
    const std::vector<std::string> old = parts_of(name.old), now = parts_of(name.now);
    const Json* found = find(present, old);
    if (found == nullptr || (name.meant != nullptr && !name.meant(*found))) continue;
    Json value = take(present, old);
    if (name.now.empty()) {
      const std::string gone = fmt::format("{}: '{}' is gone: {}", where, prefix + name.old, name.instead);
      if (!name.only.is_null() && value != name.only)
        throw InputError(fmt::format("{} (it is {})", gone, value.dump()));
      remark(gone);
      continue;
    }
    const std::string text = renamed_text(prefix + name.old, prefix + name.now);
    if (name.convert != nullptr) value = name.convert(value);
    const bool merges = name.convert != nullptr && value.is_object();
    if (!merges && find(present, now) != nullptr)
      throw InputError(fmt::format("{}: {}, and the file has both; leave '{}'", where, text, prefix + name.now));
    put(present, now, name, std::move(value));
    moved.emplace_back(prefix + name.now, prefix + name.old);
    remark(fmt::format("{}: {}", where, text));
  }
  return present;
}

}  // namespace swipegym
