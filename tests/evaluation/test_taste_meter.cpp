#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/constant_user_model.h"
#include "env/truth/truth_model.h"
#include "evaluation/platform/season.h"
#include "evaluation/platform/taste_meter.h"

using namespace swipegym;

namespace {

std::shared_ptr<Simulator> taste_world(const TruthOptions& options = {.seed = 3}) {
  auto simulator = std::make_shared<Simulator>();
  const auto model = std::make_shared<TruthModel>(options);
  const ToyWorld size{.num_users = model->num_users(), .num_videos = model->num_videos()};
  simulator->catalogue = make_toy_catalogue(size);
  simulator->population = make_toy_population(size);
  simulator->catalogue.until = 20220508;
  // Their own tags, so that policies know what a video is about.
  simulator->catalogue.num_tags = kTruthTags + 1;
  for (std::uint32_t v = 0; v < model->num_videos(); ++v)
    simulator->catalogue.tag[v] = model->video(VideoIndex{v}).tag[0];
  simulator->model = model;
  return simulator;
}

SeasonConfig taste_season() {
  SeasonConfig config;
  config.days = 6, config.burn_in = 1;
  config.users = 60, config.tick_hours = 6, config.slate = 4, config.max_steps = 20;
  config.world.life_days = 3, config.world.gap_scale = 0.2, config.world.least_on_offer = 100;
  return config;
}

std::vector<DayMeasures> played(const std::shared_ptr<const Simulator>& world, const SeasonPolicy& policy) {
  Season season(world, taste_season(), policy, 1, 1);
  while (!season.over()) season.play_day();
  return season.days();
}

std::filesystem::path taste_file(const char* name) {
  return std::filesystem::temp_directory_path() / (std::string(name) + std::to_string(::getpid()));
}

}  // namespace

TEST_CASE("drift is the shift of the latent factors that the truth's law gives, and echo what it does to what is shown",
          "[platform]") {
  const auto base = taste_world();
  const PlatformWorld world(*base, taste_season().world, 10, make_key(1));
  const auto& truth = dynamic_cast<const TruthModel&>(*base->model);
  TasteMeter meter(world);
  DayMeasures still;
  meter.finish_day(world.day_begins_ms() + 86'400'000, still);
  CHECK(still.drift == 0.0);
  CHECK(std::isnan(still.echo));
  CHECK(still.second_interest == 0.0);
  // One user of ten watches a video of small factors five times to the end, six hours before midnight.
  std::uint32_t video = 0;
  const auto most = [&](std::uint32_t v) {
    float out = 0.0F;
    for (const float factor : truth.video(VideoIndex{v}).factor) out = std::max(out, std::abs(factor));
    return out;
  };
  while (most(video) > 1.5F) ++video;  // the bound of .3 is not met then
  const std::int64_t evening = world.day_begins_ms() + 18LL * 3'600'000;
  meter.begin_session(7, evening);
  for (int i = 0; i < 5; ++i) meter.answered(7, video, 1.0F, evening);
  DayMeasures day;
  meter.finish_day(evening + 6LL * 3'600'000, day);
  const double kept = (1.0 - std::pow(0.985, 5)) / (1.0 - 0.985) * std::exp(-0.25 / 10.0);
  double squares = 0.0;
  for (const float factor : truth.video(VideoIndex{video}).factor)
    squares += static_cast<double>(factor) * static_cast<double>(factor);
  CHECK(day.drift == Approx(0.05 * 0.7 * kept * std::sqrt(squares) / 10.0).epsilon(1e-4));
  CHECK(day.echo == Approx(0.05 * 0.7 * kept * squares).epsilon(1e-4));
}

TEST_CASE("what a log has done to tastes before the season is no drift of the season", "[platform]") {
  const TruthOptions options{.seed = 3};
  auto model = std::make_shared<TruthModel>(options);
  std::vector<float> histories(model->num_users() * kTruthStateSize, 0.0F);
  for (std::size_t user = 0; user < model->num_users(); ++user) {
    histories[user * kTruthStateSize + kTruthDrift] = 0.25F;
    histories[user * kTruthStateSize + kTruthLastSeen] = 1.0F;
  }
  model->set_histories(histories);
  const auto base = taste_world();
  base->model = model;
  const PlatformWorld world(*base, taste_season().world, 10, make_key(1));
  TasteMeter meter(world);
  const std::int64_t evening = world.day_begins_ms() + 18LL * 3'600'000;
  meter.begin_session(7, evening);
  DayMeasures day;
  meter.finish_day(evening + 6LL * 3'600'000, day);
  CHECK(day.drift == Approx(0.0).margin(1e-6));
}

TEST_CASE("a user's interests are served by videos of the topics of their strongest tastes", "[platform]") {
  const auto base = taste_world();
  const PlatformWorld world(*base, taste_season().world, 4, make_key(1));
  const auto& truth = dynamic_cast<const TruthModel&>(*base->model);
  const auto& taste = truth.user(UserIndex{2}).taste;
  const auto video_of_rank = [&](std::size_t rank) {
    for (std::uint32_t v = 0; v < truth.num_videos(); ++v) {
      std::size_t above = 0;
      for (const float other : taste) above += other > taste[truth.video(VideoIndex{v}).topic[0]] ? 1 : 0;
      if (above == rank) return v;
    }
    throw InputError("no video of this topic");
  };
  TasteMeter meter(world);
  meter.begin_session(2, world.day_begins_ms());
  const auto shown = [&](std::size_t rank) {
    meter.answered(2, video_of_rank(rank), 0.0F, world.day_begins_ms());
    DayMeasures day;
    meter.finish_day(world.day_begins_ms() + 86'400'000, day);
    return std::pair(day.second_interest, day.third_interest);
  };
  CHECK(shown(0) == std::pair(0.0, 0.0));
  CHECK(shown(3) == std::pair(0.0, 0.0));
  CHECK(shown(1) == std::pair(0.25, 0.0));
  CHECK(shown(2) == std::pair(0.25, 0.25));
  CHECK(shown(4) == std::pair(0.25, 0.25));  // once is enough
}

TEST_CASE("a season's tastes are those of the sessions that it played", "[platform]") {
  const std::filesystem::path path = taste_file("season-tastes");
  const SeasonConfig config = taste_season();
  Season season(taste_world(), config, season_policy("thompson", config.slate), 4, 1);
  for (int day = 0; day < 3; ++day) season.play_day();
  season.save(path);
  const Hdf5Reader file(path, kSeasonKind, kSeasonVersion);
  const auto followed = file.read<float>("tastes/state");
  const auto came = file.read<std::uint8_t>("tastes/came");
  const auto bytes = file.read<std::uint8_t>("users/state");
  const std::size_t stride = bytes.size() / sizeof(float) / config.users;
  REQUIRE(stride >= kTruthStateSize);
  std::size_t users = 0;
  for (std::size_t user = 0; user < config.users; ++user) {
    if (came[user] == 0) continue;
    ++users;
    std::vector<float> own(kTruthStateSize);
    std::memcpy(own.data(), bytes.data() + user * stride * sizeof(float), own.size() * sizeof(float));
    for (std::size_t k = 0; k < kTruthStateSize; ++k)
      CHECK(followed[user * kTruthStateSize + k] == Approx(own[k]).margin(1e-6));
  }
  CHECK(users > config.users / 2);
  std::filesystem::remove(path);
  std::filesystem::remove_all(season_days_folder(path));
}

TEST_CASE(
    "where nothing that is shown changes anything tastes stand still, and who shows the best to everybody serves "
    "interests "
    "later",
    "[platform]") {
  const auto still = taste_world({.seed = 3, .satiation = false});
  for (const DayMeasures& day : played(still, season_policy("uniform", 4))) {
    CHECK(day.drift == 0.0);
    CHECK(day.echo == 0.0);
  }
  const auto world = taste_world(), strong = taste_world({.seed = 3, .taste_drift = 4.0});
  const std::vector<DayMeasures> narrow = played(world, season_policy("greedy", 4));
  const std::vector<DayMeasures> wide = played(world, season_policy("uniform", 4));
  const std::vector<DayMeasures> moved = played(strong, season_policy("uniform", 4));
  double served[2] = {}, entropy[2] = {};
  for (std::size_t day = 0; day < wide.size(); ++day) {
    CHECK(narrow[day].drift > 0.0);
    CHECK(moved[day].drift > 2.0 * wide[day].drift);
    if (day > 0) CHECK(wide[day].second_interest >= wide[day - 1].second_interest);
    served[0] += narrow[day].second_interest + narrow[day].third_interest, entropy[0] += narrow[day].entropy;
    served[1] += wide[day].second_interest + wide[day].third_interest, entropy[1] += wide[day].entropy;
  }
  CHECK(served[0] < served[1]);
  CHECK(entropy[0] < entropy[1]);
}
