#include "cli/env_options.h"

#include "cli/load.h"
#include "core/error.h"
#include "core/text.h"
#include "env/fit_notes.h"
#include "env/truth/truth_simulator.h"
#include "policy/retrieval.h"

namespace swipegym::cli {
namespace {

RewardWeights read_reward(const std::vector<std::string>& terms) {
  RewardWeights reward{.watch_s = 0.0F};
  std::vector<std::string> names = {"watch_s", "watch_ratio", "return_day", "gap_h"};
  names.insert(names.end(), kSignalNames.begin(), kSignalNames.end());
  for (const std::string& term : terms) {
    const std::size_t equals = term.find('=');
    const std::string name = term.substr(0, equals);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end() || equals == std::string::npos)
      throw InputError(fmt::format("--reward has the term '{}', expected NAME=WEIGHT with a name of {}", term,
                                   fmt::join(names, ", ")));
    const auto weight = parse_number<float>("--reward " + name, term.substr(equals + 1), ranges::kAnyWeight);
    const auto index = static_cast<std::size_t>(found - names.begin());
    float* const own[] = {&reward.watch_s, &reward.watch_ratio, &reward.return_day, &reward.gap_h};
    (index < std::size(own) ? *own[index] : reward.signal[index - std::size(own)]) = weight;
  }
  return reward;
}

// -1 for "own".
float read_temperature(const std::string& text) {
  return text == "own" ? -1.0F : parse_number<float>("--temperature", text, ranges::kTemperature.or_value(0));
}

}  // namespace

Json fit_settings(const Simulator& simulator) {
  if (simulator.config.empty()) return Json::object();
  Json settings = parse_json(simulator.config, "the simulator's settings");
  if (!settings.is_object()) throw InputError("the simulator's settings are damaged; fit it again");
  return settings;
}

std::filesystem::path fitted_data(const Simulator& simulator) {
  const std::string text = fit_notes(simulator).data;
  std::error_code ignored;
  return std::filesystem::exists(text, ignored) ? text : bytes_of(text);
}

void add_env_options(Options& options, EnvSettings& settings) {
  options.group("Environment")
      .add("candidates", settings.candidates, ranges::kSlots, "M", "videos offered a step; ignored with --source full")
      .input("source", settings.source, "NAME|FILE",
             "where candidates come from: random, popularity, top, sample, full, or a policy file that retrieves them",
             false)
      .add("history", settings.history, ranges::kHistory, "L", "videos of history in the observation, up to 200")
      .add("slate", settings.slate, between(1, 1'000), "K", "videos chosen a step, watched in order")
      .add("max-steps", settings.max_steps, ranges::kMaxSteps, "N", "a session is cut after so many steps");
  add_choice_options(options, settings);
}

void add_choice_options(Options& options, EnvSettings& settings) {
  options
      .add("reward", settings.reward, "TERMS",
           "as in watch_s=1,watch_ratio=0,is_like=10,return_day=50; weights from -1000000 to 1000000")
      .checked([](const std::string& text) { read_reward(split_list("--reward", text)); })
      .add("epsilon", settings.epsilon, ranges::kProbability, "P",
           "probability of a uniform choice instead of the best")
      .add("temperature", settings.temperature, "T|own",
           "choose with probability softmax(score / T), T from 1e-06 to 1000000; 0: the best; own: as the policy was "
           "trained to")
      .checked([](const std::string& text) { read_temperature(text); });
}

VectorEnvConfig env_config(const EnvSettings& settings, int threads) {
  return {.threads = threads,
          .history_length = settings.history,
          .max_steps = settings.max_steps,
          .slate = settings.slate,
          .reward = read_reward(settings.reward)};
}

Exploration exploration(const EnvSettings& settings) {
  const float temperature = read_temperature(settings.temperature);
  if (settings.epsilon > 0.0F && temperature > 0.0F)
    throw InputError("--epsilon and --temperature are two ways to explore; give one of them");
  if (settings.epsilon > 0.0F) return Exploration::epsilon_greedy(settings.epsilon);
  if (temperature < 0.0F) return {};
  return temperature == 0.0F ? Exploration::greedy() : Exploration::boltzmann(temperature);
}

std::shared_ptr<const CandidateSource> candidate_source(const EnvSettings& settings,
                                                        std::shared_ptr<const Simulator> simulator,
                                                        std::uint64_t seed) {
  return make_candidates(settings.source, std::move(simulator), settings.candidates, seed);
}

Json env_json(const EnvSettings& settings) {
  return {{"candidates", settings.candidates}, {"source", settings.source},          {"history", settings.history},
          {"slate", settings.slate},           {"max_steps", settings.max_steps},    {"reward", settings.reward},
          {"epsilon", settings.epsilon},       {"temperature", settings.temperature}};
}

std::string clock_note(const Simulator& simulator) {
  const std::optional<double> videos = fit_notes(simulator).mean_session_videos;
  if (!videos) return "";
  if (*videos == 0.0) return "dense clock: sessions as long as the log's, which are whole";
  return fmt::format("dense clock: {:g} videos a session under the logged policy, an assumption (mean_session_videos)",
                     *videos);
}

void remember_data(Simulator& simulator, const std::filesystem::path& data) {
  Json settings = fit_settings(simulator);
  settings["data"] = std::filesystem::absolute(data).lexically_normal().string();
  simulator.config = json_text(settings);
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
  return fit_notes(simulator).until.value_or(kNoDateLimit);
}

std::shared_ptr<const Simulator> truth_behind(const Simulator& fitted, const Dataset& data, const std::string& clock,
                                              int threads) {
  if (fitted.truth.empty())
    throw InputError(
        "this needs a simulator fitted on synthetic data; this one was fitted on real rows, whose truth nobody knows");
  TruthOptions truth = parse_truth_json(fitted.truth);
  if (clock == "dense") truth.mean_session_videos = fit_notes(fitted).mean_session_videos.value_or(0.0);
  return std::make_shared<const Simulator>(
      make_truth_simulator(truth_json(truth), data, fitted_until(fitted), threads));
}

}  // namespace swipegym::cli
