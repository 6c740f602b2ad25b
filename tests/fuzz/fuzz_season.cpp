#include <filesystem>
#include <memory>

#include "evaluation/platform/platform_page.h"
#include "evaluation/platform/platform_study.h"
#include "evaluation/platform/platform_tables.h"
#include "evaluation/platform/season.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/json_change.h"
#include "tests/fuzz/small_world.h"
#include "tests/fuzz/unfitted_simulator.h"

namespace swipegym::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr int kDays = 3;

// Three users, sixty videos of which fifty are on offer, six creators.
std::shared_ptr<const Simulator> season_world() {
  return std::make_shared<const Simulator>(
      unfitted_simulator(test::make_toy_dataset({.users = 3, .videos = 60, .days = 4, .rows_per_day = 5})));
}

SeasonConfig small_season() {
  SeasonConfig config;
  config.days = kDays, config.burn_in = 0;
  config.users = 3, config.tick_hours = 12, config.slate = 2, config.max_steps = 4;
  config.random_share = 0.2;
  config.world.creators_a_user = 2, config.world.life_days = 2, config.world.least_on_offer = 50;
  return config;
}

// A folder of work whose season is over but for its last day. What is fuzzed stands in it as a link.
class SeasonFolder {
 public:
  SeasonFolder() {
    Season season = begin();
    while (season.day() + 1 < kDays) season.play_day();
    season.save(checkpoint());
  }

  fs::path checkpoint() const { return folder_.path() / "season.h5"; }
  fs::path first_day() const { return season_days_folder(checkpoint()) / "00000.h5"; }

  // Lets `file` stand for one of the folder's, which is no longer there then.
  static void link(const fs::path& place, const fs::path& file) {
    if (fs::is_symlink(place)) return;
    fs::remove(place);
    fs::create_symlink(file, place);
  }

  // Reads the season and plays it to its end.
  void go_on() const {
    Season season = begin();
    season.load(checkpoint());
    while (!season.over()) season.play_day();
    creator_days_csv(season.creator_days());
  }

 private:
  Season begin() const {
    const SeasonConfig config = small_season();
    return Season(base_, config, season_policy("thompson", config.slate), 1, 1);
  }

  ScratchFolder folder_;
  std::shared_ptr<const Simulator> base_ = season_world();
};

Target checkpoint_target() {
  const auto folder = std::make_shared<const SeasonFolder>();
  return hdf5_target(read_bytes(folder->checkpoint()), [folder](const fs::path& path) {
    SeasonFolder::link(folder->checkpoint(), path);
    folder->go_on();
  });
}

Target days_target() {
  const auto folder = std::make_shared<const SeasonFolder>();
  return hdf5_target(read_bytes(folder->first_day()), [folder](const fs::path& path) {
    SeasonFolder::link(folder->first_day(), path);
    folder->go_on();
  });
}

// The result of a season that is over, and the tables and the page that are made of it.
Target result_target() {
  const auto folder = std::make_shared<const ScratchFolder>();
  const auto file = std::make_shared<const InputFile>();
  const PlatformStudy study{.config = small_season(),
                            .policies = {{"uniform", "uniform"}},
                            .seeds = 1,
                            .folder = folder->path(),
                            .threads = 1};
  const std::shared_ptr<const Simulator> base = season_world();
  run_platform(base, study);
  const fs::path result = folder->path() / "runs" / "uniform-s1.json";
  const std::string seed = read_bytes(result);
  SeasonFolder::link(result, file->path());
  return {.seeds = {seed},
          .run =
              [folder, file, study, base](const std::string& input) {
                file->set(input);
                const PlatformReport report = run_platform(base, study);
                platform_table(report), platform_csv(report), platform_json(report).dump();
                platform_page(report, "a season", {});
              },
          .mutate = [](const std::string& input, RandomStream& random) { return change_json(input, 0, random); }};
}

}  // namespace

std::vector<std::string> target_names() {
  return {"season", "season_days", "season_result"};
}

Target make_target(const std::string& name) {
  return name == "season" ? checkpoint_target() : name == "season_days" ? days_target() : result_target();
}

}  // namespace swipegym::fuzz
