#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "agents/labels/labelcraft.h"
#include "agents/labels/train_label_model.h"
#include "agents/multitask/multitask_trainer.h"
#include "agents/offline/offline_config.h"
#include "agents/registry.h"
#include "agents/retrieval/matrix_factorisation.h"
#include "agents/retrieval/multi_interest_trainer.h"
#include "agents/retrieval/ranker.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "agents/sasrec/train_sasrec.h"
#include "agents/sasrec/train_sqn.h"
#include "cli/command.h"
#include "core/config.h"
#include "core/output_file.h"
#include "env/fitted/fit_simulator.h"
#include "env/platform/creator_fit.h"
#include "evaluation/studies/convergence_cell.h"
#include "evaluation/studies/exactness.h"
#include "evaluation/studies/random_search.h"
#include "evaluation/studies/upload_season.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

/// Each file of configs/ and the settings it must equal: what a command does without --config. After a change of
/// defaults, SWIPEGYM_WRITE_CONFIGS=1 writes the files anew.
using Defaults = std::map<std::string, std::function<Json()>>;
Defaults all_defaults() {
  Defaults all = {
      {"bandits.json", [] { return config_to_json(UploadSeasonConfig{}); }},
      {"converge.json", [] { return config_to_json(ConvergenceConfig{}); }},
      {"constrain.json", [] { return config_to_json(OfflineConfig{}); }},
      {"creators_fit.json", [] { return config_to_json(CreatorFitSettings{}); }},
      {"fit.json", [] { return config_to_json(FitConfig{}); }},
      {"mf.json", [] { return config_to_json(MatrixFactorisationConfig{}); }},
      {"label_model.json", [] { return config_to_json(LabelModelConfig{}); }},
      {"labelcraft.json", [] { return config_to_json(LabelCraftConfig{}); }},
      {"multitask.json", [] { return config_to_json(MultitaskConfig{}); }},
      {"ranker.json", [] { return config_to_json(RankerConfig{}); }},
      {"sasrec.json", [] { return config_to_json(SasrecConfig{}); }},
      {"sqn.json", [] { return config_to_json(SqnConfig{}); }},
      {"tabular.json", [] { return config_to_json(ExactnessConfig{}); }},
      {"two_tower.json", [] { return config_to_json(TwoTowerTrainingConfig{}); }},
      {"variational_two_tower.json", [] { return config_to_json(VariationalTrainingConfig{}); }},
      {"multi_interest.json", [] { return config_to_json(MultiInterestConfig{}); }},
  };
  for (const AgentInfo& info : agents())
    all[info.config_file.empty() ? info.name + ".json" : info.config_file] = [&info] { return info.with({}).config; };
  return all;
}

TEST_CASE("config files hold exactly the defaults of the code, in its order", "[house]") {
  const Defaults defaults_of = all_defaults();
  const fs::path folder = fs::path(SWIPEGYM_SOURCE_DIR) / "configs";
  if (std::getenv("SWIPEGYM_WRITE_CONFIGS") != nullptr)
    for (const auto& [name, defaults] : defaults_of) write_file(folder / name, defaults().dump(2) + "\n");
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) files.insert(entry.path().filename().string());
  for (const auto& [name, defaults] : defaults_of) {
    CAPTURE(name);
    REQUIRE(files.erase(name) == 1);
    CHECK(read_json(folder / name).dump(2) == defaults().dump(2));
  }
  CHECK(files == std::set<std::string>{});
}

TEST_CASE("settings of published figures are settings of the command that their first line names", "[house]") {
  std::map<std::string, cli::SettingsPage> pages;
  for (const cli::Command& command : cli::make_commands())
    for (const cli::SettingsPage& page : command.settings) pages.emplace(page.name, page);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(SWIPEGYM_SOURCE_DIR) / "configs" / "results")) {
    std::ifstream file(entry.path());
    std::string line;
    std::getline(file, line);  // "// train dqn: what it made"
    CAPTURE(entry.path().string(), line);
    const std::string name = line.substr(3, line.find(':') - 3);
    REQUIRE(pages.contains(name));
    CHECK_NOTHROW(pages.at(name).check(read_json(entry.path()), entry.path()));
    ++files;
  }
  CHECK(files > 8);
}

TEST_CASE("searches vary settings that there are", "[house]") {
  const fs::path folder = fs::path(SWIPEGYM_SOURCE_DIR) / "configs";
  std::size_t searches = 0;
  for (const auto& entry : fs::directory_iterator(folder / "search")) {
    const SearchSpace space = read_search_space(entry.path());
    const Json base = read_json(folder / entry.path().filename());
    std::vector<Json> drawn;
    CAPTURE(entry.path().string());
    for (int trial = 0; trial < 3; ++trial) CHECK_NOTHROW(draw_trial(space, base, 1, trial, drawn));
    ++searches;
  }
  CHECK(searches >= 3);
}

}  // namespace
}  // namespace swipegym
