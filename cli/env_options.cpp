#include "cli/env_options.h"

#include "cli/load.h"
#include "core/error.h"
#include "core/text.h"
#include "env/candidate_sources.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

std::optional<float> read_temperature(const std::string& text) {
  if (text == "own") return {};
  return parse_number<float>("--temperature", text, ranges::kTemperature.or_value(0));
}

// "random (unseen videos, uniform), ...".
std::string source_words() {
  std::string text;
  for (const NamedSource& source : named_sources())
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", source.name, source.about);
  return text;
}

}  // namespace

std::filesystem::path fitted_data(const Simulator& simulator) {
  const std::string& text = simulator.fit.data;
  std::error_code ignored;
  return std::filesystem::exists(text, ignored) ? text : bytes_of(text);
}

void add_world_options(Options& options, WorldConfig& world) {
  options.group("World")
      .add("candidates", world.candidates, ranges::kSlots, "M", "videos offered a step; ignored with --source full")
      .input("source", world.source, "NAME|FILE",
             "where candidates come from: " + source_words() + "; or a policy file that retrieves them", false)
      .add("history-length", world.history_length, ranges::kHistory, "L",
           "videos of history in the observation, up to 200")
      .formerly("history")
      .add("slate", world.slate, between(1, 1'000), "K", "videos chosen a step, watched in order")
      .add("max-steps", world.max_steps, ranges::kMaxSteps, "N", "a session is cut after so many steps")
      .choice("clock", world.clock, {"dense", "log"}, "session lengths: realistic ones, or the thinned log's");
}

void add_choice_options(Options& options, ActSettings& settings) {
  options
      .text("reward", "TERMS", "watch_s=1",
            "as in watch_s=1,like=10,return_day=50, of " + fmt::format("{}", fmt::join(RewardWeights::names(), ", ")) +
                "; weights from -1000000 to 1000000",
            [&reward = settings.world.reward](const std::string& text) {
              reward = parse_reward("--reward", split_list("--reward", text));
            })
      .add("epsilon", settings.epsilon, ranges::kProbability, "P",
           "probability of a uniform choice instead of the best")
      .add("temperature", settings.temperature, "T|own",
           "choose with probability softmax(score / T), T from 1e-06 to 1000000; 0: the best; own: as the policy was "
           "trained to")
      .checked([](const std::string& text) { read_temperature(text); });
}

void add_act_options(Options& options, ActSettings& settings) {
  add_world_options(options, settings.world);
  add_choice_options(options, settings);
}

Exploration exploration(const ActSettings& settings) {
  return explore(settings.epsilon, read_temperature(settings.temperature));
}

Json act_json(const ActSettings& settings) {
  Json json = config_to_json(settings.world);
  json["epsilon"] = settings.epsilon;
  json["temperature"] = settings.temperature;
  return json;
}

std::string clock_note(const Simulator& simulator, const std::string& clock) {
  const std::optional<double> videos = simulator.fit.mean_session_videos;
  if (!videos || clock != "dense") return "";
  if (*videos == 0.0) return "dense clock: sessions as long as the log's, which are whole";
  return fmt::format("dense clock: {:g} videos a session under the logged policy, an assumption (mean_session_videos)",
                     *videos);
}

std::string exposure_note(const ExposureEvidence& evidence, std::string_view indent) {
  const std::string from =
      evidence.random_rows == 0
          ? "the prior alone, as there are no random-exposure rows"
          : fmt::format("{:.0f} % of its effects from {} random-exposure rows of {} users, the rest from the prior",
                        100.0 * evidence.from_rows, show_count(evidence.random_rows), show_count(evidence.users));
  return fmt::format(
      "a policy's choice: {}\n{}a video's exposures: {:+.2f} log odds of a click a deviation beside the network's own; "
      "by the prior {:+.2f}",
      from, indent, evidence.of_exposures, evidence.prior_of_exposures);
}

void remember_data(Simulator& simulator, const std::filesystem::path& data) {
  Json all = simulator.fit.all;
  all["data"] = std::filesystem::absolute(data).lexically_normal().string();
  simulator.fit = read_fit_notes(json_text(all), "the notes of a fit");  // a path may be no UTF-8, and a file's text is
}

LoadedDataset load_fitted_data(const Run& run, const Simulator& simulator, const std::filesystem::path& path) {
  std::filesystem::path from = path;
  if (from.empty()) from = fitted_data(simulator);
  std::error_code ignored;
  if (from.empty() || !std::filesystem::exists(from, ignored))
    throw InputError(fmt::format("the data the simulator was fitted on is needed{}; give it with --data",
                                 from.empty() ? "" : fmt::format(", and no longer at {}", from.string())));
  LoadedDataset loaded = load_data(run, from);
  if (loaded.data.videos.raw_id != simulator.catalogue.raw_video_id ||
      loaded.data.users.raw_id != simulator.catalogue.raw_user_id)
    throw InputError(
        fmt::format("{}: has other users or videos than the data the simulator was fitted on; give that "
                    "with --data",
                    from.string()));
  return loaded;
}

std::int32_t fitted_until(const Simulator& simulator) {
  return simulator.fit.until.value_or(kNoDateLimit);
}

std::shared_ptr<const Simulator> truth_behind(const Simulator& fitted, const Dataset& data, const std::string& clock,
                                              int threads) {
  if (fitted.truth.empty())
    throw InputError(
        "this needs a simulator fitted on synthetic data; this one was fitted on real rows, whose truth nobody knows");
  TruthOptions truth = parse_truth_json(fitted.truth);
  // 0: the log holds whole sessions, so they are as long as the truth has them.
  const double assumed = fitted.fit.mean_session_videos.value_or(0.0);
  if (clock == "dense" && assumed > 0.0) truth.mean_session_videos = assumed;
  return std::make_shared<const Simulator>(
      make_truth_simulator(truth_json(truth), data, fitted_until(fitted), threads));
}

}  // namespace swipegym::cli
