#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/vector_env.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {
namespace {

constexpr std::size_t kLength = 9, kSlots = 5, kRows = 20;
const ToyWorld kWorld{.num_users = 30, .num_videos = 40, .history = 6};

std::shared_ptr<SasrecModel> make_model(const Catalogue& catalogue, SasrecObjective objective,
                                        const std::string& norm = "pre") {
  SasrecNetworkConfig config;
  config.norm = norm, config.width = 16, config.heads = 2, config.inner = 24, config.max_length = 7;
  config.head_hidden = {12};
  config.item_deviation = 0.3;
  auto model = std::make_shared<SasrecModel>();
  model->objective = objective;
  model->items = make_item_inputs(catalogue);
  model->network = SasrecNetwork(config, model->items.num_ids, model->items.num_authors, kSasrecStepFeatures,
                                 kSasrecCandidateFeatures, make_key(3), model->items.num_tags, 7);
  model->users.raw_id = catalogue.raw_user_id;
  model->users.table_rows = 7;
  for (std::size_t u = 0; u < catalogue.num_users(); ++u)
    model->users.code.insert(model->users.code.end(), {static_cast<std::int32_t>(u % 7), -1});
  model->network.stranger.value.setConstant(0.2F);
  return model;
}

/// Observations of a few steps into sessions, with room to change them.
struct Seen {
  explicit Seen(const ObservationView& view) : o(view) {
    video.assign(o.history_video, o.history_video + o.rows * o.history_length);
    ratio.assign(o.history_ratio, o.history_ratio + o.rows * o.history_length);
    signals.assign(o.history_signals, o.history_signals + o.rows * o.history_length);
    candidate.assign(o.candidate, o.candidate + o.rows * o.candidates);
    o.history_video = video.data(), o.history_ratio = ratio.data(), o.history_signals = signals.data();
    o.candidate = candidate.data();
  }
  std::vector<float> scores(const Policy& policy, int threads = 1) const {
    const std::vector<RandomKey> keys(o.rows);
    const std::vector<std::uint32_t> streams(o.rows);
    std::vector<float> out(o.rows * o.candidates);
    policy.score({o, nullptr, keys, streams, threads}, out);
    return out;
  }
  ObservationView o;
  std::vector<std::int32_t> video, candidate;
  std::vector<float> ratio;
  std::vector<std::uint8_t> signals;
};

struct SequenceWorld {
  SequenceWorld()
      : simulator(make_constant_simulator({.leave_after = 20, .watch_ratio = 0.4F}, kWorld)),
        env(simulator, std::make_shared<RandomCandidates>(kWorld.num_videos, kSlots),
            {.num_envs = kRows, .threads = 1, .history_length = kLength, .exclude_history = 6}) {
    std::vector<std::uint64_t> seeds(kRows);
    for (std::size_t i = 0; i < kRows; ++i) seeds[i] = i;
    env.reset(seeds);
    env.step(std::vector<std::int32_t>(kRows, 1));
  }
  std::shared_ptr<const Simulator> simulator;
  VectorEnv env;
};

TEST_CASE("a SASRec score depends on its row alone, whatever the batch, the slots or the threads", "[policy]") {
  SequenceWorld world;
  const auto objective = GENERATE(SasrecObjective::kNext, SasrecObjective::kRatio, SasrecObjective::kBinary);
  const SasrecPolicy policy(make_model(world.simulator->catalogue, objective));
  const Seen all(world.env.observation());
  const std::vector<float> whole = all.scores(policy);
  CHECK(all.scores(policy, 3) == whole);
  for (const std::size_t row : {std::size_t{0}, std::size_t{17}}) {
    Seen one(world.env.observation());
    one.o.rows = 1;
    one.o.user += row;
    one.o.user_features += row * kUserFeatures, one.o.context += row * kContextFeatures;
    one.o.history_video += row * kLength, one.o.history_ratio += row * kLength, one.o.history_signals += row * kLength;
    one.o.tab += row, one.o.hours_since += row;
    one.o.candidate += row * kSlots;
    const std::vector<float> alone = one.scores(policy);
    CHECK(std::equal(alone.begin(), alone.end(), whole.begin() + static_cast<std::ptrdiff_t>(row * kSlots)));
    one.o.candidate += 3, one.o.candidates = 1;
    CHECK(one.scores(policy)[0] == whole[row * kSlots + 3]);
  }
}

TEST_CASE("what lies in front of a history, or of the newest videos a SASRec reads, cannot change a score",
          "[policy]") {
  SequenceWorld world;
  const auto norm = GENERATE(as<std::string>(), "published", "pre", "post");
  const SasrecPolicy policy(make_model(world.simulator->catalogue, SasrecObjective::kNext, norm));
  Seen seen(world.env.observation());
  const std::vector<float> before = seen.scores(policy);
  for (std::size_t row = 0; row < kRows; ++row) {  // rows hold 7 videos behind 2 places of padding
    REQUIRE(seen.video[row * kLength + 1] == -1);
    REQUIRE(seen.video[row * kLength + 2] >= 0);
    seen.ratio[row * kLength] = 4.0F;  // padding may hold anything
    seen.signals[row * kLength + 1] = 0xFF;
  }
  CHECK(seen.scores(policy) == before);
  seen.video[0] = 3, seen.video[1] = 5;  // older than the seven newest
  CHECK(seen.scores(policy) == before);
  seen.signals[kLength - 1] ^= bit(Signal::kLike);  // what the user did with the newest video does count
  const std::vector<float> after = seen.scores(policy);
  CHECK(after[0] != before[0]);
  CHECK(std::equal(after.begin() + kSlots, after.end(), before.begin() + kSlots));
}

TEST_CASE("a SASRec score knows the tab and how long ago the last video was shown", "[policy]") {
  SequenceWorld world;
  const SasrecPolicy policy(make_model(world.simulator->catalogue, SasrecObjective::kBinary));
  Seen seen(world.env.observation());
  const std::vector<float> before = seen.scores(policy);
  const std::vector<std::uint8_t> other_tab(seen.o.rows, 12);
  seen.o.tab = other_tab.data();
  const std::vector<float> elsewhere = seen.scores(policy);
  CHECK(elsewhere != before);
  const std::vector<float> long_ago(seen.o.rows, 100.0F);
  seen.o.hours_since = long_ago.data();
  CHECK(seen.scores(policy) != elsewhere);
}

TEST_CASE("a user without history and a batch of padding alone get scores", "[policy]") {
  SequenceWorld world;
  const auto objective = GENERATE(SasrecObjective::kNext, SasrecObjective::kRatio, SasrecObjective::kBinary);
  const auto model = make_model(world.simulator->catalogue, objective);
  const SasrecPolicy policy(model);
  Seen seen(world.env.observation());
  std::fill(seen.video.begin(), seen.video.end(), -1);
  const std::vector<float> scores = seen.scores(policy);
  for (const float score : scores) CHECK(std::isfinite(score));
  if (objective == SasrecObjective::kNext)
    CHECK(scores[2] == model->items.features(seen.candidate[2], kVideoExposures));
  seen.o.history_signals = nullptr;
  CHECK(seen.scores(policy) == scores);
}

TEST_CASE("a SASRec file gives the same scores, and matches videos by raw id in another catalogue", "[policy]") {
  SequenceWorld world;
  const auto model = make_model(world.simulator->catalogue, SasrecObjective::kBinary);
  model->header.catalogue_until = 20220502;
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "swipegym_test_sasrec.h5";
  SasrecPolicy(model).save(path);
  CHECK(read_policy_header(path).model == "sasrec");
  CHECK(read_policy_header(path).catalogue_until == 20220502);
  const std::shared_ptr<const Policy> loaded = load_policy(path, world.simulator->catalogue);
  Seen seen(world.env.observation());
  const std::vector<float> scores = seen.scores(SasrecPolicy(model));
  CHECK(seen.scores(*loaded) == scores);

  Catalogue turned = world.simulator->catalogue;  // the same videos by other indices, and one never met
  const auto videos = static_cast<std::int32_t>(turned.num_videos());
  std::reverse(turned.raw_video_id.begin(), turned.raw_video_id.end());
  const std::shared_ptr<const Policy> other = load_policy(path, turned);
  for (std::int32_t& v : seen.video) v = v < 0 ? v : videos - 1 - v;
  for (std::int32_t& v : seen.candidate) v = videos - 1 - v;
  CHECK(seen.scores(*other) == scores);
  turned.raw_video_id[static_cast<std::size_t>(seen.candidate[0])] = -77;
  CHECK(std::isfinite(seen.scores(*load_policy(path, turned))[0]));
  std::filesystem::remove(path);
}

TEST_CASE("settings of a SASRec that make no sense are named", "[policy]") {
  SasrecNetworkConfig config;
  config.heads = 3;
  CHECK_THROWS_WITH(check(config), Catch::Contains("heads") && Catch::Contains("divisor"));
  config = {};
  config.norm = "sideways";
  CHECK_THROWS_WITH(check(config), Catch::Contains("published, pre, post"));
  config = {};
  config.max_length = 501;
  CHECK_THROWS_WITH(check(config), Catch::Contains("1 to 500"));
  CHECK_THROWS_AS(parse_sasrec_objective("clicks"), InputError);
}

}  // namespace
}  // namespace swipegym
