#include "tests/fuzz/json_change.h"

#include <iterator>
#include <vector>

#include "core/json_text.h"
#include "tests/fuzz/extremes.h"

namespace swipegym::fuzz {
namespace {

// Every value of a document, its objects and lists included.
void collect(Json& json, std::vector<Json*>& values) {
  values.push_back(&json);
  if (json.is_structured())
    for (Json& part : json) collect(part, values);
}

Json any_json(RandomStream& random) {
  switch (random.below(8)) {
    case 0:
      return nullptr;
    case 1:
      return random.below(2) == 0;
    case 2:
      return Json::array();
    case 3:
      return Json::object();
    case 4:
      return Json::array({0, -1, 1e300});
    case 5:
      return std::string(random.below(80), 'a');
    default: {
      const Json number = Json::parse(extreme_number(random), nullptr, /*allow_exceptions=*/false);
      return number.is_discarded() ? Json(-1e308) : number;
    }
  }
}

std::string nest(RandomStream& random) {
  const std::size_t depth = std::size_t{1} << random.below(13);
  return random.below(2) == 0 ? std::string(depth, '[') : std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

std::string change_json(const std::string& text, std::size_t prefix, RandomStream& random) {
  if (text.size() <= prefix || random.below(3) == 0) return {};
  Json json = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(prefix), text.end(), nullptr, false, true);
  if (json.is_discarded()) return {};
  std::vector<Json*> values;
  collect(json, values);
  Json& changed = *values[random.below(static_cast<std::uint32_t>(values.size()))];
  const std::uint32_t what = random.below(16);
  if (what == 0) {
    const std::string mark = "\"the place\"";
    changed = "the place";
    std::string out = text.substr(0, prefix) + json.dump();
    return out.replace(out.find(mark), mark.size(), nest(random));
  }
  if (what == 1 && changed.is_object() && !changed.empty())
    changed.erase(std::next(changed.begin(), random.below(static_cast<std::uint32_t>(changed.size()))));
  else if (what == 2 && changed.is_array())
    changed.insert(changed.end(), 1 + random.below(40), changed.empty() ? any_json(random) : Json(changed.front()));
  else
    changed = any_json(random);
  return text.substr(0, prefix) + json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace swipegym::fuzz
