#include "env/truth_options.h"

#include <array>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace swipegym {
namespace {

constexpr std::array<std::string_view, 3> kPresetNames = {"tiny", "pure", "1k"};

double number_in(const nlohmann::json& value, const std::string& key, double low, double high) {
  const double number = value.is_number() ? value.get<double>() : low - 1;
  if (!(number >= low && number <= high))
    throw InputError("truth.json: " + key + " is " + value.dump() + ", expected a number from " +
                     nlohmann::json(low).dump() + " to " + nlohmann::json(high).dump());
  return number;
}

void set_option(TruthOptions& options, const std::string& key, const nlohmann::json& value) {
  if (key == "preset") {
    if (!value.is_string()) throw InputError("truth.json: preset is " + value.dump() + ", expected a name");
    options.preset = parse_preset(value.get<std::string>());
  } else if (key == "seed") {
    if (!value.is_number_unsigned())
      throw InputError("truth.json: seed is " + value.dump() + ", expected an integer >= 0");
    options.seed = value.get<std::uint64_t>();
  } else if (key == "satiation") {
    if (!value.is_boolean()) throw InputError("truth.json: satiation is " + value.dump() + ", expected true or false");
    options.satiation = value.get<bool>();
  } else if (key == "hidden_signal") {
    options.hidden_signal = number_in(value, key, 0.0, 3.0);
  } else if (key == "mean_session_videos") {
    options.mean_session_videos = number_in(value, key, 0.0, 200.0);
    if (options.mean_session_videos != 0.0) number_in(value, key, 2.0, 200.0);
  } else {
    throw InputError("truth.json: unknown key '" + key +
                     "', expected preset, seed, satiation, hidden_signal or mean_session_videos");
  }
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

std::string truth_json(const TruthOptions& options) {
  const nlohmann::ordered_json json = {{"preset", preset_name(options.preset)},
                                       {"seed", options.seed},
                                       {"satiation", options.satiation},
                                       {"hidden_signal", options.hidden_signal},
                                       {"mean_session_videos", options.mean_session_videos}};
  return json.dump(2) + "\n";
}

TruthOptions parse_truth_json(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) throw InputError("truth.json is not a JSON object: expected the file that data synth wrote");
  TruthOptions options;
  for (const auto& [key, value] : json.items()) set_option(options, key, value);
  return options;
}

}  // namespace swipegym
