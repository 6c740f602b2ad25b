#include <catch2/catch.hpp>
#include <cmath>

#include "agents/logged_states.h"
#include "agents/retrieval/ranker.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/candidate_sources.h"
#include "env/catalogue.h"
#include "env/vector_env.h"
#include "tests/agents/toy_models.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

constexpr std::int64_t kStart = 1'650'000'000'000;  // 2022-04-15 13:20 in China

// 40 users, 60 rows each, a minute apart. A video is watched to .9 when its number and the user's are both even or both
// odd, to .1 otherwise: only a model that looks at both can know. Tags tell a video's parity, is_live_streamer a
// user's.
Dataset parity_log() {
  Dataset data;
  constexpr std::size_t kUsers = 40, kVideos = 50, kRows = 60;
  data.fingerprint = 5;
  FeatureColumn streamer{.name = "is_live_streamer", .value = {}, .categories = {}};
  data.user_offset.push_back(0);
  for (std::size_t u = 0; u < kUsers; ++u) {
    data.users.raw_id.push_back(static_cast<std::int64_t>(100 + u));
    streamer.value.push_back(static_cast<float>(u % 2));
    RandomStream random(split(make_key(1), u));
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::uint32_t v = random.below(kVideos);
      data.log.user.push_back(UserIndex{static_cast<std::uint32_t>(u)});
      data.log.video.push_back(VideoIndex{v});
      data.log.time_ms.push_back(kStart + static_cast<std::int64_t>(i) * 60'000);
      data.log.duration_ms.push_back(10'000);
      data.log.play_ms.push_back(v % 2 == u % 2 ? 9'000 : 1'000);
      data.log.date.push_back(i < 50 ? 20220415 : 20220416);
      data.log.hourmin.push_back(1300);
      data.log.tab.push_back(1);
      data.log.signals.push_back(0);
      data.log.is_random.push_back(0);
      data.log.source_row.push_back(static_cast<std::uint32_t>(data.log.size() - 1));
    }
    data.user_offset.push_back(data.log.user.size());
  }
  data.users.columns.push_back(streamer);
  data.videos.tag_offset.push_back(0);
  data.videos.video_types = {"NORMAL"};
  data.videos.upload_types = {"x"};
  for (std::size_t v = 0; v < kVideos; ++v) {
    data.videos.raw_id.push_back(static_cast<std::int64_t>(1000 + v));
    data.videos.author.push_back(static_cast<std::uint32_t>(v));
    data.videos.author_raw_id.push_back(static_cast<std::int64_t>(v));
    data.videos.video_type.push_back(0), data.videos.upload_type.push_back(0);
    data.videos.duration_ms.push_back(10'000.0F);
    data.videos.tag.push_back(static_cast<std::uint16_t>(v % 2));
    data.videos.tag_offset.push_back(static_cast<std::uint32_t>(v + 1));
  }
  return data;
}

TEST_CASE("a logged row becomes the observation its user's earlier rows give", "[agents]") {
  Dataset data = parity_log();
  data.log.time_ms[3] = data.log.time_ms[2];             // a tie: neither is the other's history
  data.log.time_ms[5] = data.log.time_ms[4] + 1801'000;  // a new session
  const Catalogue catalogue = build_catalogue(data, 20220416);
  const LoggedStates states(data, catalogue, 4);
  LoggedStates::Batch batch;
  states.fill(std::vector<std::uint32_t>{0, 3, 5, 61}, batch);
  const ObservationView& o = batch.observation;
  CHECK(o.rows == 4);
  const auto video = [&](std::size_t row) { return static_cast<std::int32_t>(index_of(data.log.video[row])); };
  CHECK(std::vector<std::int32_t>(o.history_video, o.history_video + 4) == std::vector<std::int32_t>{-1, -1, -1, -1});
  CHECK(std::vector<std::int32_t>(o.history_video + 4, o.history_video + 8) ==
        std::vector<std::int32_t>{-1, -1, video(0), video(1)});
  CHECK(std::vector<std::int32_t>(o.history_video + 8, o.history_video + 12) ==
        std::vector<std::int32_t>{video(1), video(2), video(3), video(4)});
  CHECK(o.history_ratio[11] == states.ratio(4));
  CHECK(o.history_signals[11] == data.log.signals[4]);
  CHECK(o.history_signals[4] == 0);  // padding
  CHECK(o.tab[2] == data.log.tab[5]);
  CHECK(o.hours_since[0] == -1.0F);  // no earlier row
  CHECK(o.hours_since[1] == Approx(static_cast<double>(data.log.time_ms[3] - data.log.time_ms[1]) / 3.6e6));
  CHECK(o.hours_since[2] == Approx(1801.0 / 3600.0));
  CHECK(o.user[3] == 1);
  CHECK(o.history_video[15] == video(60));
  CHECK(o.context[1 * kContextFeatures + 7] == states.ratio(1));
  CHECK(o.context[2 * kContextFeatures + 7] == 0.0F);         // a session just begun
  CHECK(o.context[4] == 1.0F);                                // tab 1
  const double angle = 2.0 * 3.14159265358979 * 53.0 / 96.0;  // 13:20 lies in quarter 53
  CHECK(o.context[2] == Approx(std::sin(angle)).margin(1e-6));
  CHECK(o.context[3] == Approx(std::cos(angle)).margin(1e-6));
}

SupervisedTask task_of(const Dataset& data, std::int32_t until, int threads = 1) {
  SupervisedTask task;
  task.data = &data, task.train = {0, until}, task.threads = threads;
  return task;
}

TEST_CASE("the ranker learns what user and video tell together, and ranks candidates by it", "[agents]") {
  const Dataset data = parity_log();
  RankerConfig config;
  config.epochs = testing::kSanitized ? 1.0 : 60.0;
  config.batch = 128;
  config.history_length = 10;
  config.network.state_hidden = {32};
  config.network.item_hidden = {16};
  config.network.width = 8;
  const TrainedModel trained = train_ranker(task_of(data, 20220415), config);
  CHECK(trained.details["rows"] == 40 * 50);
  CHECK(trained.details["label_mean"].get<double>() == Approx(0.5).margin(0.05));
  if (testing::skips_quality()) return;
  CHECK(trained.details["last_loss"].get<double>() < 0.1 * trained.details["first_loss"].get<double>());

  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = build_catalogue(data, 20220415);
  simulator->population = build_population(data, 20220415);
  simulator->model = std::make_shared<test::LadderModel>(3);
  VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, 6),
                {.num_envs = 100, .threads = 1, .history_length = 10, .exclude_history = 10});
  std::vector<std::uint64_t> seeds(100);
  for (std::size_t i = 0; i < 100; ++i) seeds[i] = i;
  const ObservationView o = env.reset(seeds);
  const std::vector<RandomKey> keys(100);
  const std::vector<std::uint32_t> streams(100);
  std::vector<float> scores(600);
  trained.policy->score({o, &env, keys, streams, 1}, scores);
  std::size_t right = 0, pairs = 0;
  for (std::size_t row = 0; row < 100; ++row)
    for (std::size_t a = 0; a < 6; ++a)
      for (std::size_t b = 0; b < 6; ++b) {
        const auto fits = [&](std::size_t slot) {
          return static_cast<std::uint32_t>(o.candidate[row * 6 + slot]) % 2 == o.user[row] % 2;
        };
        if (!fits(a) || fits(b)) continue;
        ++pairs;
        right += scores[row * 6 + a] > scores[row * 6 + b];
      }
  CHECK(static_cast<double>(right) > 0.97 * static_cast<double>(pairs));
}

TEST_CASE("the ranker's weights do not depend on threads, and its complaints name the cause", "[agents]") {
  const Dataset data = parity_log();
  RankerConfig config;
  config.epochs = 2.0;
  config.batch = 300;
  const auto weights = [&](int threads) {
    const TrainedModel trained = train_ranker(task_of(data, 20220415, threads), config);
    ValueNetwork network = static_cast<const ValuePolicy&>(*trained.policy).model().network;
    return network.parameters()[0]->value;
  };
  const Matrix one = weights(1);
  CHECK(one == weights(2));
  CHECK(one == weights(3));
  CHECK_THROWS_WITH(train_ranker(task_of(data, 20220401), config), Catch::Contains("20220401"));
  config.label = "likes";
  CHECK_THROWS_WITH(train_ranker(task_of(data, 20220415), config), Catch::Contains("watch_ratio, watch_s"));
}

}  // namespace
}  // namespace swipegym
