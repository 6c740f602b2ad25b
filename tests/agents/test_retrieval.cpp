#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <functional>

#include "agents/catalogue_ranking.h"
#include "agents/logged_states.h"
#include "agents/retrieval/matrix_factorisation.h"
#include "agents/retrieval/multi_interest_trainer.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "tests/agents/interrupt_after.h"

namespace swipegym {
namespace {

constexpr std::int64_t kBegin = 1'650'000'000'000;  // 2022-04-15 13:20 in China
constexpr std::size_t kToyUsers = 300, kToyVideos = 24, kToyRows = 40;

// The truth: everybody draws videos by their popularity, which falls with their number, and a user (streamers are the
// odd ones) draws those of the own parity four times as readily as the others.
double chance(std::size_t user, std::size_t video) {
  const auto weight = [&](std::size_t v) {
    return std::pow(static_cast<double>(v + 1), -1.2) * (v % 2 == user % 2 ? 4.0 : 1.0);
  };
  double total = 0.0;
  for (std::size_t v = 0; v < kToyVideos; ++v) total += weight(v);
  return weight(video) / total;
}

Dataset drawn_log() {
  Dataset data;
  data.fingerprint = 11;
  FeatureColumn streamer{.name = "is_live_streamer", .value = {}, .categories = {}};
  data.user_offset.push_back(0);
  for (std::size_t u = 0; u < kToyUsers; ++u) {
    data.users.raw_id.push_back(static_cast<std::int64_t>(u));
    streamer.value.push_back(static_cast<float>(u % 2));
    RandomStream random(split(make_key(4), u));
    for (std::size_t i = 0; i < kToyRows; ++i) {
      double left = random.uniform_double();
      std::size_t video = 0;
      while (video + 1 < kToyVideos && (left -= chance(u, video)) > 0.0) ++video;
      data.log.user.push_back(UserIndex{static_cast<std::uint32_t>(u)});
      data.log.video.push_back(VideoIndex{static_cast<std::uint32_t>(video)});
      data.log.time_ms.push_back(kBegin + static_cast<std::int64_t>(i) * 60'000);
      data.log.duration_ms.push_back(10'000), data.log.play_ms.push_back(9'000);
      data.log.date.push_back(i < 36 ? 20220415 : 20220416);
      data.log.hourmin.push_back(1300), data.log.tab.push_back(1), data.log.signals.push_back(0);
      data.log.is_random.push_back(0);
      data.log.source_row.push_back(static_cast<std::uint32_t>(data.log.user.size() - 1));
    }
    data.user_offset.push_back(data.log.user.size());
  }
  data.users.columns.push_back(streamer);
  data.videos.tag_offset.push_back(0);
  data.videos.video_types = {"NORMAL"}, data.videos.upload_types = {"x"};
  for (std::size_t v = 0; v < kToyVideos; ++v) {
    data.videos.raw_id.push_back(static_cast<std::int64_t>(v));
    data.videos.author.push_back(static_cast<std::uint32_t>(v));
    data.videos.author_raw_id.push_back(static_cast<std::int64_t>(v));
    data.videos.video_type.push_back(0), data.videos.upload_type.push_back(0);
    data.videos.duration_ms.push_back(10'000.0F);
    data.videos.tag.push_back(0);
    data.videos.tag_offset.push_back(static_cast<std::uint32_t>(v + 1));
  }
  return data;
}

struct World {
  Dataset data = drawn_log();
  Catalogue catalogue = build_catalogue(data, 20220415);
  SupervisedTask task;
  World() {
    task.data = &data, task.catalogue = &catalogue;
    task.train = {20220415, 20220415};
    task.threads = 1;
  }
};

TwoTowerTrainingConfig small_towers(bool log_q) {
  TwoTowerTrainingConfig config;
  config.log_q = log_q;
  config.epochs = 10;
  config.batch = 128;
  config.history_length = 1;
  config.learning_rate = 5e-3;
  config.network.user_hidden = {16}, config.network.item_hidden = {16};
  config.network.width = 8;
  config.network.history_dim = 0;
  config.network.temperature = 0.1F;
  return config;
}

// Correlation of scores with the logarithm of the true chance, of which the mean over videos is taken out by user.
double correlation_with_truth(const Policy& policy, const World& world) {
  const LoggedStates states(world.data, world.catalogue, 1);
  LoggedStates::Batch batch;
  std::vector<std::uint32_t> rows;
  for (std::size_t u = 0; u < 40; ++u) rows.push_back(static_cast<std::uint32_t>(world.data.user_offset[u] + 20));
  states.fill(rows, batch);
  std::vector<float> scores(rows.size() * kToyVideos);
  policy.score({.observation = batch.observation}, scores);
  double xx = 0.0, yy = 0.0, xy = 0.0;
  for (std::size_t u = 0; u < rows.size(); ++u) {
    double mean_x = 0.0, mean_y = 0.0;
    for (std::size_t v = 0; v < kToyVideos; ++v)
      mean_x += scores[u * kToyVideos + v] / kToyVideos, mean_y += std::log(chance(u, v)) / kToyVideos;
    for (std::size_t v = 0; v < kToyVideos; ++v) {
      const double x = scores[u * kToyVideos + v] - mean_x, y = std::log(chance(u, v)) - mean_y;
      xx += x * x, yy += y * y, xy += x * y;
    }
  }
  return xy / std::sqrt(xx * yy);
}

TEST_CASE("with the correction towers learn the chance of a video, without it the chance relative to its popularity",
          "[agents]") {
  const World world;
  const double corrected = correlation_with_truth(*train_two_tower(world.task, small_towers(true)).policy, world);
  const double plain = correlation_with_truth(*train_two_tower(world.task, small_towers(false)).policy, world);
  CAPTURE(corrected, plain);
  CHECK(corrected > 0.95);
  // What remains without it is taste alone: a spread of ln 4 / 2 against .94 of the logarithms of popularity.
  CHECK(plain < 0.8);
  CHECK(corrected > plain + 0.1);
}

void check_towers(const std::function<TrainedModel(const SupervisedTask&, const TwoTowerTrainingConfig&)>& train) {
  World world;
  TwoTowerTrainingConfig config = small_towers(true);
  config.epochs = 2;
  config.network.history_dim = 4, config.history_length = 5;
  const auto scores_of = [&](const Policy& policy) {
    const LoggedStates states(world.data, world.catalogue, 5);
    LoggedStates::Batch batch;
    states.fill(std::vector<std::uint32_t>{0, 17, 39, 41}, batch);
    std::vector<float> scores(4 * kToyVideos);
    policy.score({.observation = batch.observation}, scores);
    return scores;
  };
  const auto whole = train(world.task, config).policy;
  world.task.threads = 3;
  CHECK(scores_of(*train(world.task, config).policy) == scores_of(*whole));

  const auto checkpoint = std::filesystem::temp_directory_path() / "swipegym_towers_checkpoint.h5";
  world.task.checkpoint = checkpoint;
  world.task.progress = testing::interrupt_after(1, config.epochs);
  CHECK_THROWS_AS(train(world.task, config), Interrupted);
  world.task.progress = {}, world.task.resume = true;
  CHECK(scores_of(*train(world.task, config).policy) == scores_of(*whole));
  std::filesystem::remove(checkpoint);

  const auto path = std::filesystem::temp_directory_path() / "swipegym_towers.h5";
  whole->save(path);
  CHECK(scores_of(*load_policy(path, world.catalogue)) == scores_of(*whole));
  std::filesystem::remove(path);
}

TEST_CASE("two towers: threads change no bit, a resumed training neither, and the file scores as the model does",
          "[agents]") {
  check_towers(train_two_tower);
  check_towers([](const SupervisedTask& task, const TwoTowerTrainingConfig& towers) {
    return train_variational_two_tower(task, {.towers = towers, .variation = {.queries = {.draw = "normal"}}});
  });
}

TEST_CASE("a variational video's deviation shrinks with its pairs, and the towers still learn the chance", "[agents]") {
  const World world;
  VariationalTrainingConfig config{.towers = small_towers(true),
                                   .variation = {.kl_weight = 1.0, .queries = {.draw = "none"}}};
  config.towers.epochs = 20;
  const TrainedModel trained = train_variational_two_tower(world.task, config);
  const auto& policy = dynamic_cast<const TwoTowerPolicy&>(*trained.policy);
  CHECK(policy.name() == "variational-two-tower");
  const std::vector<float> deviation = policy.video_deviations(1);
  CAPTURE(deviation, trained.details.dump());
  // Videos 0, 1, ... are ever less popular: 24 of them, from a quarter of the pairs to a few in a thousand.
  CHECK(trained.details.at("deviation_by_pairs").get<double>() > 0.8);
  CHECK(deviation[0] < 0.7F * deviation[kToyVideos - 1]);
  const auto active = trained.details.at("active_dimensions");
  CHECK(active.at("videos").get<int>() >= 1);
  CHECK(active.at("users").get<int>() <= 8);
  CHECK(correlation_with_truth(policy, world) > 0.9);

  // With ten thousand times the weight nothing is worth leaving the prior for.
  config.variation.kl_weight = 1e4;
  const auto held = train_variational_two_tower(world.task, config);
  const std::vector<float> prior = dynamic_cast<const TwoTowerPolicy&>(*held.policy).video_deviations(1);
  CHECK(*std::min_element(prior.begin(), prior.end()) > 0.8F);
  CHECK(held.details.at("active_dimensions").at("videos") == 0);
}

TEST_CASE("interests are made of a file's towers or of their own, and of no other model", "[agents]") {
  const World world;
  MultiInterestConfig config;
  config.towers = small_towers(true), config.towers.epochs = 2;
  const auto own = train_multi_interest(world.task, config);
  CHECK(own.epochs.size() == 2);
  const auto path = std::filesystem::temp_directory_path() / "swipegym_interest_towers.h5";
  train_two_tower(world.task, config.towers).policy->save(path);
  config.policy = path.string();
  const auto from_file = train_multi_interest(world.task, config);
  CHECK(from_file.epochs.empty());
  CHECK(from_file.policy->query_source()->query_items() == own.policy->query_source()->query_items());
  own.policy->save(path);
  CHECK_THROWS_WITH(train_multi_interest(world.task, config), Catch::Contains("multi_interest"));
  std::filesystem::remove(path);
}

TEST_CASE("recall counts what users go on to want and have not watched, over the whole catalogue", "[agents]") {
  Dataset data = drawn_log();
  // One user is followed by hand: day 2 brings videos 3 (new), 5 (watched on day 1), 7 (new, skipped).
  const std::size_t u = 6, first = data.user_offset[u];
  for (std::size_t i = 0; i < kToyRows; ++i) data.log.video[first + i] = VideoIndex{5};
  data.log.video[first + 36] = VideoIndex{3};
  data.log.video[first + 37] = VideoIndex{5};
  data.log.video[first + 38] = VideoIndex{7}, data.log.play_ms[first + 38] = 1'000;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (index_of(data.log.user[row]) != u) data.log.date[row] = 20220415;
  const Catalogue catalogue = build_catalogue(data, 20220415);
  std::vector<float> score(kToyVideos);
  for (std::size_t v = 0; v < kToyVideos; ++v) score[v] = static_cast<float>(v);  // best: 23, 22, ...
  FactorModel model;
  model.raw_video_id = catalogue.raw_video_id;
  model.video.resize(kToyVideos, 0);
  model.video_bias = score;
  const FactorPolicy policy(std::make_shared<FactorModel>(model), catalogue);
  RankingQuestion question{.days = {20220416, 20220416}, .k = 19, .wanted_above = 0.5F};
  const auto at = [&](std::size_t k) {
    question.k = k;
    return rank_catalogue(policy, data, catalogue, question, 1);
  };
  REQUIRE(at(19).user == std::vector<std::uint32_t>{6});
  CHECK(at(19).wanted == std::vector<std::uint32_t>{1});
  CHECK(at(19).mean_recall() == 0.0);  // 23, 22, ..., 6, 4: video 5 is not in the way, 3 comes 20th
  CHECK(at(20).mean_recall() == 1.0);
  CHECK(at(20).next == std::vector<std::uint32_t>{20});  // what was watched first, 3, has 20 above it
}

TEST_CASE("matrix factorisation learns biases and tastes, and gives strangers the mean", "[agents]") {
  World world;
  for (std::size_t row = 0; row < world.data.log.size(); ++row) {  // what is watched depends on both, and is not noise
    const std::uint32_t user = index_of(world.data.log.user[row]);
    RandomStream random(split(make_key(8), row));
    world.data.log.video[row] = VideoIndex{random.below(kToyVideos)};
    world.data.log.play_ms[row] = index_of(world.data.log.video[row]) % 2 == user % 2 ? 9'000 : 1'000;
  }
  world.task.validate = {20220416, 20220416};
  MatrixFactorisationConfig config;
  config.factors = 4, config.weight_decay = 0.01, config.learning_rate = 0.02;
  const TrainedModel trained = train_matrix_factorisation(world.task, config);
  CHECK(trained.epochs.front().validation_loss > 0.04);  // of .08, half of (.4)^2, that the mean alone would have
  CHECK(-trained.epochs.back().validation_metric < 0.01);
  CHECK(trained.policy->head() == kWatchRatioHead);
  CHECK(static_cast<const FactorPolicy&>(*trained.policy).model().mean == Approx(0.5).margin(0.01));

  config.target = "stars";
  CHECK_THROWS_WITH(train_matrix_factorisation(world.task, config), Catch::Contains("watch_ratio, binary, implicit"));
  config.target = "binary";
  world.task.train = {20210101, 20210102};
  CHECK_THROWS_WITH(train_matrix_factorisation(world.task, config), Catch::Contains("20210101"));
}

}  // namespace
}  // namespace swipegym
