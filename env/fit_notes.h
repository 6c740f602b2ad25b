#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/json_text.h"

namespace swipegym {

/// What a simulator says of its making. Files keep it as JSON text, which is read once, when they are loaded.
struct FitNotes {
  Json all;  // everything it was fitted or built with, for reports; null: it says nothing
  // What is asked for later; empty where `all` does not say it.
  std::optional<double> mean_session_videos;  // on the dense clock; 0: as the log has it
  std::optional<std::int32_t> until;          // yyyymmdd, the last day fitted
  std::string data;                           // the path of the data

  /// For files; empty when it says nothing.
  std::string text() const;
  /// Throws InputError that names the key unless `all` is an object, or nothing, and says each of these in its type and
  /// range.
  void validate() const;
};

FitNotes fit_notes(Json all);
/// Throws InputError at `where` for what is no JSON.
FitNotes read_fit_notes(std::string_view text, const std::string& where);

}  // namespace swipegym
