#include <cstdio>
#include <cstdlib>

#include "agents/dqn/dqn_config.h"
#include "agents/labels/labelcraft.h"
#include "agents/labels/train_label_model.h"
#include "agents/offline/offline_config.h"
#include "agents/policy_gradient/actor_config.h"
#include "agents/policy_gradient/sasrec_actor.h"
#include "agents/retrieval/matrix_factorisation.h"
#include "agents/retrieval/ranker.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "agents/sasrec/train_sasrec.h"
#include "agents/sasrec/train_sqn.h"
#include "core/config.h"
#include "env/fitted/fit_simulator.h"
#include "env/truth/truth_options.h"
#include "evaluation/studies/convergence_cell.h"
#include "evaluation/studies/exactness.h"
#include "evaluation/studies/random_search.h"
#include "tests/fuzz/extremes.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/target.h"

namespace swipegym::fuzz {
namespace {

// A struct of settings: its defaults as JSON, and reading one. What was read and found right must be what is written.
struct Settings {
  std::string (*defaults)();
  void (*read)(const Json& json);
};

template <class Config>
constexpr Settings settings_of() {
  return {[] { return config_to_json(Config{}).dump(); },
          [](const Json& json) {
            const auto config = config_from_json<Config>(json, "config.json");
            if constexpr (requires { check(config); }) check(config);
            const Json written = config_to_json(config);
            if (config_to_json(config_from_json<Config>(written, "written")) == written) return;
            std::fprintf(stderr, "written and read again these settings differ: %s\n", written.dump().c_str());
            std::abort();
          }};
}

constexpr Settings kSettings[] = {settings_of<ActorConfig>(),       settings_of<ConvergenceConfig>(),
                                  settings_of<DqnConfig>(),         settings_of<ExactnessConfig>(),
                                  settings_of<FitConfig>(),         settings_of<LabelCraftConfig>(),
                                  settings_of<LabelModelConfig>(),  settings_of<MatrixFactorisationConfig>(),
                                  settings_of<OfflineConfig>(),     settings_of<RankerConfig>(),
                                  settings_of<SasrecActorConfig>(), settings_of<SasrecConfig>(),
                                  settings_of<SqnConfig>(),         settings_of<TwoTowerTrainingConfig>()};
constexpr std::size_t kKinds = std::size(kSettings);

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

// Another value in some place of the document behind the first `prefix` bytes.
std::string change_value(const std::string& text, std::size_t prefix, RandomStream& random) {
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

// The first byte says which settings the rest is to be.
Target settings_target() {
  Target target;
  for (std::size_t i = 0; i < kKinds; ++i) target.seeds.push_back(static_cast<char>('a' + i) + kSettings[i].defaults());
  const auto file = std::make_shared<const InputFile>();
  target.run = [file](const std::string& input) {
    if (input.empty()) return;
    file->set(std::string_view(input).substr(1));
    kSettings[static_cast<std::uint8_t>(input[0] - 'a') % kKinds].read(read_json(file->path()));
  };
  target.mutate = [](const std::string& input, RandomStream& random) { return change_value(input, 1, random); };
  return target;
}

Target truth_target() {
  return {.seeds = {truth_json({})},
          .run =
              [](const std::string& input) {
                const TruthOptions options = parse_truth_json(input);
                if (truth_json(parse_truth_json(truth_json(options))) != truth_json(options)) std::abort();
              },
          .mutate = [](const std::string& input, RandomStream& random) { return change_value(input, 0, random); }};
}

Target search_target() {
  const auto file = std::make_shared<const InputFile>();
  return {.seeds = {R"({"learning_rate": {"low": 1e-4, "high": 1e-2, "log": true}, "batch": [64, 128]})"},
          .run =
              [file](const std::string& input) {
                file->set(input);
                read_search_space(file->path());
              },
          .mutate = [](const std::string& input, RandomStream& random) { return change_value(input, 0, random); }};
}

}  // namespace

std::vector<std::string> target_names() {
  return {"json_settings", "json_truth", "json_search"};
}

Target make_target(const std::string& name) {
  return name == "json_settings" ? settings_target() : name == "json_truth" ? truth_target() : search_target();
}

}  // namespace swipegym::fuzz
