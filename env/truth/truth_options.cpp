#include "env/truth/truth_options.h"

#include <array>

#include "core/config.h"
#include "core/error.h"

namespace swipegym {

template <class Visitor>
void visit_fields(Visitor& visit, TruthUpload& upload) {
  visit("author", upload.author, between(0, 4'294'967'295));
  visit("day", upload.day, between(0, 1'000'000));
  visit("tag", upload.tag, between(0, 46));
  visit("season", upload.season, ranges::kAnySeed);
}

namespace {

constexpr std::array<std::string_view, 3> kPresetNames = {"tiny", "pure", "1k"};

/// The options as truth.json has them.
struct TruthFields {
  std::string preset;
  TruthOptions options;
};

TruthFields fields_of(const TruthOptions& options) {
  return {std::string(preset_name(options.preset)), options};
}

template <class Visitor>
void visit_fields(Visitor& visit, TruthFields& fields) {
  visit("preset", fields.preset, one_of(kPresetNames));
  visit("seed", fields.options.seed, ranges::kAnySeed);
  visit("satiation", fields.options.satiation);
  visit("taste_drift", fields.options.taste_drift, kTasteDrift);
  visit("return_listens", fields.options.return_listens, kReturnListens);
  visit("hidden_signal", fields.options.hidden_signal, kHiddenSignal);
  visit("mean_session_videos", fields.options.mean_session_videos, kTruthSessionVideos);
  visit("uploads", fields.options.uploads, lengths(0, 100'000'000));
}

}  // namespace

std::string_view preset_name(TruthPreset preset) noexcept {
  return kPresetNames[static_cast<std::size_t>(preset)];
}

TruthPreset parse_preset(std::string_view name) {
  for (std::size_t i = 0; i < kPresetNames.size(); ++i)
    if (kPresetNames[i] == name) return static_cast<TruthPreset>(i);
  throw InputError("unknown preset '" + std::string(name) + "', expected tiny, pure or 1k");
}

void check(const TruthOptions& options) {
  check_ranges(fields_of(options));
}

std::string truth_json(const TruthOptions& options) {
  Json fields = config_to_json(fields_of(options));
  if (options.taste_drift == TruthOptions{}.taste_drift) fields.erase("taste_drift");
  if (options.return_listens == TruthOptions{}.return_listens) fields.erase("return_listens");
  if (options.uploads.empty()) fields.erase("uploads");
  return fields.dump(options.uploads.empty() ? 2 : 0) + "\n";
}

TruthOptions parse_truth_json(std::string_view text) {
  TruthFields fields = config_from_text(text, "truth.json", fields_of({}));
  fields.options.preset = parse_preset(fields.preset);
  return fields.options;
}

}  // namespace swipegym
