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
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/json_change.h"
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
  target.mutate = [](const std::string& input, RandomStream& random) { return change_json(input, 1, random); };
  return target;
}

Target truth_target() {
  return {.seeds = {truth_json({})},
          .run =
              [](const std::string& input) {
                const TruthOptions options = parse_truth_json(input);
                if (truth_json(parse_truth_json(truth_json(options))) != truth_json(options)) std::abort();
              },
          .mutate = [](const std::string& input, RandomStream& random) { return change_json(input, 0, random); }};
}

Target search_target() {
  const auto file = std::make_shared<const InputFile>();
  return {.seeds = {R"({"learning_rate": {"low": 1e-4, "high": 1e-2, "log": true}, "batch": [64, 128]})"},
          .run =
              [file](const std::string& input) {
                file->set(input);
                read_search_space(file->path());
              },
          .mutate = [](const std::string& input, RandomStream& random) { return change_json(input, 0, random); }};
}

}  // namespace

std::vector<std::string> target_names() {
  return {"json_settings", "json_truth", "json_search"};
}

Target make_target(const std::string& name) {
  return name == "json_settings" ? settings_target() : name == "json_truth" ? truth_target() : search_target();
}

}  // namespace swipegym::fuzz
