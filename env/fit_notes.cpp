#include "env/fit_notes.h"

#include <fmt/format.h>

#include <utility>

#include "core/error.h"

namespace swipegym {
namespace {

// What the notes say beside all that is kept of them.
struct NumberNote {
  const char* key;
  double low, high;
  const char* expected;

  bool holds(const Json& value) const {
    return value.is_number() && value.get<double>() >= low && value.get<double>() <= high;
  }
};
constexpr NumberNote kSessionVideos{"mean_session_videos", 0.0, 1e6, "videos a session, a number from 0 to 1000000"};
constexpr NumberNote kUntil{"until", 0.0, 99999999.0, "a date yyyymmdd"};
constexpr const char* kData = "data";

void require(bool holds, const char* key, const Json& value, const char* expected) {
  if (holds) return;
  const std::string shown = value.is_structured() ? fmt::format("an {}", value.type_name())
                                                  : value.dump(-1, ' ', true, Json::error_handler_t::replace);
  throw InputError(fmt::format("config: '{}' is {}, expected {}", key, shown.substr(0, 60), expected));
}

std::optional<double> read(const Json& all, const NumberNote& note) {
  const auto found = all.find(note.key);
  return found != all.end() && note.holds(*found) ? std::optional(found->get<double>()) : std::nullopt;
}

}  // namespace

std::string FitNotes::text() const {
  return all.is_null() ? "" : all.dump();
}

void FitNotes::validate() const {
  if (all.is_null()) return;
  if (!all.is_object()) throw InputError("config: not a JSON object");
  for (const NumberNote& note : {kSessionVideos, kUntil})
    if (all.contains(note.key)) require(note.holds(all[note.key]), note.key, all[note.key], note.expected);
  if (all.contains(kData)) require(all[kData].is_string(), kData, all[kData], "a path");
}

FitNotes fit_notes(Json all) {
  FitNotes notes{.all = std::move(all), .mean_session_videos = {}, .until = {}, .data = {}};
  if (!notes.all.is_object()) return notes;
  notes.mean_session_videos = read(notes.all, kSessionVideos);
  if (const auto until = read(notes.all, kUntil)) notes.until = static_cast<std::int32_t>(*until);
  if (const auto data = notes.all.find(kData); data != notes.all.end() && data->is_string())
    notes.data = data->get<std::string>();
  return notes;
}

FitNotes read_fit_notes(std::string_view text, const std::string& where) {
  return fit_notes(text.empty() ? Json() : parse_json(text, where));
}

}  // namespace swipegym
