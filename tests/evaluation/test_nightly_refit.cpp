#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agents/multitask/multitask_trainer.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "core/error.h"
#include "env/constant_user_model.h"
#include "env/truth/truth_model.h"
#include "evaluation/platform/newest_history.h"
#include "evaluation/platform/season.h"
#include "tests/hdf5_mutants.h"
#include "tests/policy/multitask_toy.h"

using namespace swipegym;

namespace {

std::shared_ptr<const Simulator> refit_world() {
  auto simulator = std::make_shared<Simulator>();
  const auto model = std::make_shared<TruthModel>(TruthOptions{.preset = TruthPreset::kTiny, .seed = 3});
  simulator->catalogue = make_toy_catalogue({.num_users = model->num_users(), .num_videos = model->num_videos()});
  simulator->population = make_toy_population({.num_users = model->num_users(), .num_videos = model->num_videos()});
  simulator->catalogue.until = 20220508;
  simulator->model = model;
  return simulator;
}

// Networks that have learned nothing yet, as files, and a composition of them.
struct DrawnNetworks {
  DrawnNetworks() : folder(std::filesystem::temp_directory_path() / ("nightly-refit" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
    const std::shared_ptr<const Simulator> world = refit_world();
    MultitaskConfig heads;
    heads.heads = {};
    *heads.heads.find("watch") = *heads.heads.find("click") = 1.0F;
    heads.history_length = 10, heads.batch = 64;
    heads.network = test::small_multitask_network({6});
    auto model = make_multitask_model(world->catalogue, heads.network, heads.encoder, {Head::kWatch, Head::kClick},
                                      {.edge = {0.1F, 0.5F, 1.0F}, .mean = {0.05F, 0.3F, 0.7F, 1.4F}}, 3);
    model->history_length = heads.history_length;
    model->header.config = config_to_json(heads).dump();
    model->sums.resize(kHeadOutputs);
    for (const HeadOutput output : {HeadOutput::kWatch, HeadOutput::kWatched, HeadOutput::kClick})
      model->sums[static_cast<std::size_t>(output)] = LastLayerSums(model->network.feature_size() + 1);
    MultitaskPolicy(model).save(folder / "multitask.h5");
    TwoTowerTrainingConfig towers;
    towers.history_length = 10, towers.batch = 64, towers.wanted_above = 0.2F;
    towers.network = {.user_hidden = {6}, .item_hidden = {6}, .width = 4, .tag_dim = 2, .author_dim = 2, .id_dim = 2};
    towers.network.history_dim = 2;
    auto two = std::make_shared<TwoTowerModel>();
    two->header = {.model = "two_tower", .policy = "two-tower", .config = config_to_json(towers).dump()};
    two->network_config = towers.network, two->encoder_config = towers.encoder;
    two->history_length = towers.history_length;
    two->items = make_item_inputs(world->catalogue);
    two->network =
        RetrievalTowers(towers.network, StateEncoder(towers.encoder, two->items).state_size(), two->items, make_key(5));
    TwoTowerPolicy(two).save(folder / "two_tower.h5");
    std::ofstream(folder / "stages.json") << R"({"retrieve": [{"use": "vectors", "file": "two_tower.h5", "count": 40}],
      "score": {"use": "multitask", "file": "multitask.h5"}, "value": {"watch": 1}})";
  }
  ~DrawnNetworks() { std::filesystem::remove_all(folder); }
  DrawnNetworks(const DrawnNetworks&) = delete;
  DrawnNetworks& operator=(const DrawnNetworks&) = delete;

  Season season(const SeasonConfig& config, int threads = 1, const std::string& file = "stages.json") const {
    return Season(refit_world(), config, season_policy((folder / file).string(), config.slate), 7, threads);
  }
  std::filesystem::path folder;
};

SeasonConfig refit_season(int every) {
  SeasonConfig config;
  config.days = 4, config.burn_in = 1;
  config.users = 60, config.tick_hours = 6, config.slate = 4, config.max_steps = 20;
  config.world.life_days = 3, config.world.gap_scale = 0.2, config.world.least_on_offer = 100;
  config.refit.every = every, config.refit.days = 2;
  return config;
}

std::vector<double> seconds_by_day(const Season& season) {
  std::vector<double> out;
  for (const DayMeasures& day : season.days()) out.push_back(day.seconds);
  return out;
}

std::string bytes_at(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("networks that learn every night have the same bytes for any threads and however often they stopped",
          "[platform]") {
  const DrawnNetworks networks;
  const SeasonConfig config = refit_season(GENERATE(0, 1));
  const std::filesystem::path kept = networks.folder / "kept.h5", whole = networks.folder / "whole.h5";
  for (int day = 0; day < config.days; ++day) {
    Season season = networks.season(config);
    if (day > 0) season.load(kept);
    season.play_day();
    season.save(kept);
  }
  Season at_once = networks.season(config, 3);
  while (!at_once.over()) at_once.play_day();
  at_once.save(whole);
  CHECK(bytes_at(kept) == bytes_at(whole));
  CHECK_FALSE(std::filesystem::exists(networks.folder / "kept.h5.network"));
}

TEST_CASE("a season goes on with its networks wherever their files lie, and not with others", "[platform]") {
  const DrawnNetworks networks;
  const SeasonConfig config = refit_season(1);
  const std::filesystem::path kept = networks.folder / "kept.h5", moved = networks.folder / "elsewhere";
  Season season = networks.season(config);
  season.play_day(), season.play_day();
  season.save(kept);
  season.play_day();
  std::filesystem::create_directories(moved);
  for (const char* name : {"stages.json", "multitask.h5", "two_tower.h5"})
    std::filesystem::copy_file(networks.folder / name, moved / name);
  Season again(refit_world(), config, season_policy((moved / "stages.json").string(), config.slate), 7, 1);
  again.load(kept), again.play_day();
  CHECK(seconds_by_day(again) == seconds_by_day(season));
  std::ofstream(moved / "multitask.h5", std::ios::app) << "another";
  Season other(refit_world(), config, season_policy((moved / "stages.json").string(), config.slate), 7, 1);
  other.load(kept);
  CHECK_THROWS_WITH(other.play_day(), Catch::Contains("multitask.h5: is not among the networks"));
}

TEST_CASE("networks learn on the nights that settings say, and from then on another season is played", "[platform]") {
  const DrawnNetworks networks;
  const auto played = [&](int every) {
    Season season = networks.season(refit_season(every));
    while (!season.over()) season.play_day();
    return seconds_by_day(season);
  };
  const std::vector<double> never = played(0), nightly = played(1), second = played(2);
  CHECK(never[0] == nightly[0]);
  CHECK(never[1] != nightly[1]);
  CHECK(never[1] == second[1]);
  CHECK(never[2] != second[2]);
}

TEST_CASE("a contextual bandit's posterior follows what the season showed", "[platform]") {
  const DrawnNetworks networks;
  std::filesystem::copy_file(std::filesystem::path(SWIPEGYM_SOURCE_DIR) / "configs/staged/contextual.json",
                             networks.folder / "contextual.json");
  SeasonConfig config = refit_season(2);
  config.world.least_on_offer = 200;
  Season season = networks.season(config, 1, "contextual.json");
  const std::filesystem::path kept = networks.folder / "kept.h5";
  season.play_day(), season.save(kept);
  Season again = networks.season(config, 1, "contextual.json");
  again.load(kept);
  for (int day = 1; day < config.days; ++day) season.play_day(), again.play_day();
  CHECK(seconds_by_day(season) == seconds_by_day(again));
  config.refit.every = 0;
  Season never = networks.season(config, 1, "contextual.json");
  while (!never.over()) never.play_day();
  CHECK(seconds_by_day(season)[1] == seconds_by_day(never)[1]);
  CHECK(seconds_by_day(season)[2] != seconds_by_day(never)[2]);
}

TEST_CASE("whatever is done to what a checkpoint keeps of networks, it is refused or played on", "[platform]") {
  const DrawnNetworks networks;
  SeasonConfig config = refit_season(1);
  config.users = 20;
  const std::filesystem::path kept = networks.folder / "kept.h5";
  Season season = networks.season(config);
  season.play_day();
  season.save(kept);
  const testing::FileImage image = testing::read_image(kept);
  int refused = 0, played = 0;
  for (const testing::Hdf5Mutation& mutation : testing::hdf5_mutations(image)) {
    if (!mutation.object.starts_with("refit/") && !mutation.object.starts_with("/refit/")) continue;
    CAPTURE(mutation.object, mutation.change);
    const testing::FileImage damaged = testing::mutated(image, mutation);
    std::ofstream(kept, std::ios::binary)
        .write(reinterpret_cast<const char*>(damaged.data()), static_cast<std::streamsize>(damaged.size()));
    Season again = networks.season(config);
    try {
      again.load(kept);
      again.play_day();  // which asks for its networks
    } catch (const InputError&) {
      ++refused;
      continue;
    }
    CHECK(std::isfinite(again.days().back().seconds));
    ++played;
  }
  CHECK(refused > played);
  CHECK(played > 0);  // such as a signal that was another
}

TEST_CASE("histories are cut to the newest videos, row by row", "[platform]") {
  const std::vector<std::int32_t> videos = {-1, 1, 2, 3, 4, 5};
  const std::vector<float> ratios = {0.0F, 0.1F, 0.2F, 0.3F, 0.4F, 0.5F};
  ObservationView all;
  all.rows = 2, all.history_length = 3, all.history_video = videos.data(), all.history_ratio = ratios.data();
  NewestHistory newest;
  CHECK(newest.of(all, 5).history_video == videos.data());
  const ObservationView cut = newest.of(all, 2);
  CHECK(cut.history_length == 2);
  CHECK(std::vector<std::int32_t>(cut.history_video, cut.history_video + 4) == std::vector<std::int32_t>{1, 2, 4, 5});
  CHECK(std::vector<float>(cut.history_ratio, cut.history_ratio + 4) == std::vector<float>{0.1F, 0.2F, 0.4F, 0.5F});
  CHECK(cut.history_signals == nullptr);
}
