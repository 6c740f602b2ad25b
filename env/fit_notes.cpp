#include "env/fit_notes.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/json_text.h"

namespace swipegym {

namespace {

[[noreturn]] void throw_wrong(const char* key, const Json& value, const char* expected) {
  const std::string shown = value.is_structured() ? fmt::format("an {}", value.type_name())
                                                  : value.dump(-1, ' ', true, Json::error_handler_t::replace);
  throw InputError(fmt::format("config: '{}' is {}, expected {}", key, shown.substr(0, 60), expected));
}

std::optional<double> number(const Json& settings, const char* key, double low, double high, const char* expected) {
  const auto found = settings.find(key);
  if (found == settings.end()) return {};
  const double value = found->is_number() ? found->get<double>() : low - 1.0;
  if (!(value >= low && value <= high)) throw_wrong(key, *found, expected);
  return value;
}

}  // namespace

FitNotes fit_notes(const Simulator& simulator) {
  if (simulator.config.empty()) return {};
  const Json settings = parse_json(simulator.config, "config");
  if (!settings.is_object()) throw InputError("config: not a JSON object");
  FitNotes notes;
  notes.mean_session_videos =
      number(settings, "mean_session_videos", 0.0, 1e6, "videos a session, a number from 0 to 1000000");
  if (const auto until = number(settings, "until", 0.0, 99999999.0, "a date yyyymmdd"))
    notes.until = static_cast<std::int32_t>(*until);
  if (const auto data = settings.find("data"); data != settings.end()) {
    if (!data->is_string()) throw_wrong("data", *data, "a path");
    notes.data = data->get<std::string>();
  }
  return notes;
}

}  // namespace swipegym
