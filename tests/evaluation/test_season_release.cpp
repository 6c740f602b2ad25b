#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "core/error.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/generate/synthesise.h"
#include "evaluation/platform/season.h"
#include "sim_data/dataset.h"

using namespace swipegym;

TEST_CASE("a season's release is a synthetic one: its truth makes every upload again, and it can go on", "[platform]") {
  const Dataset month = synthesise_dataset({.truth = {.preset = TruthPreset::kTiny, .seed = 4}});
  const auto base = std::make_shared<Simulator>(make_truth_simulator(month.truth, month));
  SeasonConfig config;
  config.days = 4, config.burn_in = 0, config.users = 60, config.max_steps = 20, config.slate = 4;
  config.random_share = 0.2;
  config.world.life_days = 3, config.world.least_on_offer = 100, config.world.gap_scale = 0.2;
  config.world.creators.mimic_rate = 0.05;
  config.world.wrong_tags = 0.3;
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("season-release-" + std::to_string(::getpid()));
  SeasonLog log(folder, month.users, month.videos);
  Season season(base, config, season_policy("thompson", config.slate), 1, 1);
  season.log_to(&log);
  while (!season.over()) season.play_day();
  log.finish(season.world());

  const Dataset data = load_dataset(folder, {}).data;
  const Catalogue& played = *season.world().catalogue();
  REQUIRE(data.videos.size() == played.num_videos());
  REQUIRE(data.videos.size() > month.videos.size());
  CHECK(data.log.size() == season.videos_shown());
  const auto truth = make_truth_model(data.truth, data);
  const auto& world = dynamic_cast<const TruthModel&>(*season.world().simulator()->model);
  for (std::uint32_t video = 0; video < data.videos.size(); ++video) {
    CHECK(data.videos.raw_id[video] == played.raw_video_id[video]);
    CHECK(truth->video(VideoIndex{video}).quality == world.video(VideoIndex{video}).quality);
    if (video >= month.videos.size())  // of the month's some have no duration in the table
      CHECK(truth->video(VideoIndex{video}).duration_ms == played.duration_ms[video]);
    CHECK(data.videos.upload_date[video] > 0);
    CHECK(data.videos.first_tag(video) == played.tag_code[played.tag[video]]);  // as the platform sees it
  }
  // The next season begins where this one ended, among its videos.
  const auto next = std::make_shared<Simulator>(make_truth_simulator(data.truth, data));
  Season second(next, config, season_policy("thompson", config.slate), 2, 1);
  second.play_day();
  CHECK(second.world().day_begins_ms() - season.world().day_begins_ms() == 86'400'000);
  CHECK(second.days()[0].seconds > 0.0);

  TruthOptions options = parse_truth_json(data.truth);
  REQUIRE(options.uploads.size() == data.videos.size() - month.videos.size());
  options.uploads.pop_back();  // of other data
  CHECK_THROWS_WITH(make_truth_model(truth_json(options), data), Catch::Matchers::Contains("other data"));
  CHECK_THROWS_WITH(parse_truth_json(R"({"preset": "tiny", "uploads": [{"author": -1}]})"),
                    Catch::Matchers::Contains("author"));
  std::filesystem::remove_all(folder);
}
