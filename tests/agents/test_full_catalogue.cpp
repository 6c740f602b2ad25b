#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "agents/dqn/dqn_learner.h"
#include "core/error.h"
#include "env/candidate_sources.h"
#include "policy/select.h"
#include "tests/agents/toy_dqn.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::LadderModel;
using test::make_toy_simulator;

DqnConfig product_config() {
  DqnConfig config = test::quick_dqn_config();
  config.world.candidates = WorldConfig{}.candidates;
  config.learning_starts = 500;
  config.discount = 0.5F;
  config.network = {.state_hidden = {32}, .item_hidden = {16}, .width = 8, .interaction_hidden = 0};
  config.encoder.cross = false;
  config.world.source = "full";
  config.fresh_candidates = 50;
  return config;
}

TEST_CASE("the maximum over fresh draws is the largest value of an unseen drawn video", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(6));
  DqnConfig config = product_config();
  config.network.sequence.kind = GENERATE(as<std::string>{}, "none", "gru");
  const auto chooser = make_value_model("dqn", simulator->catalogue, config.network, config.encoder, 1);
  const auto judge = make_value_model("dqn", simulator->catalogue, config.network, config.encoder, 2);
  judge->item_table = judge->network.item_table(*judge->items, 1);
  TransitionBatch batch;
  batch.rows = 3, batch.history_length = 4;
  batch.user = {0, 1, 2};
  batch.next.history_video = {-1, -1, 5, 6, 7, 8, 9, 10, -1, -1, -1, 11};
  const StateEncoder encoder(config.encoder, *chooser->items);
  const Matrix states = Matrix::Random(3, static_cast<Eigen::Index>(encoder.state_size()));
  ValueNetwork::Work encoded;
  encoded.states = states;
  encoded.histories.watched = {.offset = {0, 4, 7, 8},
                               .video = {5, 6, 7, 8, 9, 10, 12, 11},
                               .ratio = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F, 0.7F, 0.8F}};
  FreshMaximum maximum;
  for (const std::size_t count : {std::size_t{20}, std::size_t{200}}) {
    maximum.draw(simulator->catalogue.num_videos(), count, make_key(9));
    REQUIRE(maximum.videos().size() == count);
    const auto value = [&](const ValueModel& model, std::size_t row, std::int32_t video) {
      ValueNetwork::Work work;
      work.states = states.row(static_cast<Eigen::Index>(row));
      const StateEncoder::Watched& all = encoded.histories.watched;
      const std::uint32_t first = all.offset[row], last = all.offset[row + 1];
      work.histories.watched = {.offset = {0, last - first},
                                .video = {all.video.begin() + first, all.video.begin() + last},
                                .ratio = {all.ratio.begin() + first, all.ratio.begin() + last}};
      model.network.forward_states(*model.items, work);
      work.videos = {video};
      model.network.forward_items(*model.items, work);
      work.cross.setZero(1, static_cast<Eigen::Index>(StateEncoder::kCross));
      float out = 0.0F;
      model.network.combine(work.item.output(), false, 1, 1, work, {&out, 1});
      return out;
    };
    std::vector<float> values(3), plain(3);
    maximum.value(*chooser, *judge, simulator->population, batch, encoded, values);
    maximum.value(*judge, *judge, simulator->population, batch, encoded, plain);
    for (std::size_t row = 0; row < 3; ++row) {
      std::int32_t best = -1, best_plain = -1;
      const Population& people = simulator->population;
      for (const std::int32_t video : maximum.videos()) {
        bool seen = false;
        for (std::size_t i = 0; i < 4; ++i) seen |= batch.next.history_video[row * 4 + i] == video;
        for (auto i = people.history_offset[row]; i < people.history_offset[row + 1]; ++i)
          seen |= people.history_video[i] == static_cast<std::uint32_t>(video);
        if (seen) continue;
        if (best < 0 || value(*chooser, row, video) > value(*chooser, row, best)) best = video;
        if (best_plain < 0 || value(*judge, row, video) > value(*judge, row, best_plain)) best_plain = video;
      }
      CHECK(values[row] == Approx(value(*judge, row, best)).margin(1e-5));
      CHECK(plain[row] == Approx(value(*judge, row, best_plain)).margin(1e-5));
    }
  }
}

TEST_CASE("a DQN whose actions are all videos finds their values", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  const DqnConfig config = product_config();
  const OnlineResult trained = test::train_dqn(simulator, config, {.seed = 3, .threads = 1});
  if (testing::skips_quality()) return;
  // Every session can watch videos of ratio 3/4 to its end: Q is that of the step, and 3/4 for each one left.
  VectorEnv env = make_training_env(simulator, config, 1);
  std::vector<std::uint64_t> seeds(config.num_envs);
  std::iota(seeds.begin(), seeds.end(), 100);
  env.reset(seeds);
  const std::vector<RandomKey> keys(config.num_envs);
  const std::vector<std::uint32_t> streams(config.num_envs);
  const DecisionBatch batch{env.observation(), &env, keys, streams, 1};
  std::vector<float> scores(config.num_envs * simulator->catalogue.num_videos());
  const Policy& policy = *trained.policy;
  policy.score(batch, scores);
  double error = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    error += std::abs(scores[i] - (static_cast<double>(i % 200 % 4) / 4.0 + 0.75 * (0.5 + 0.25)));
  CHECK(error / static_cast<double>(scores.size()) < 0.05);
  std::vector<float> room;
  std::vector<std::int32_t> actions(config.num_envs);
  choose_actions(policy, batch, Exploration::greedy(), simulator->catalogue.num_videos(), room, actions);
  for (const std::int32_t action : actions) CHECK(action % 4 == 3);
}

TEST_CASE("training on all videos does not depend on threads", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  DqnConfig config = product_config();
  config.env_steps = 2'000, config.round_steps = 1'000;
  const OnlineResult one = test::train_dqn(simulator, config, {.seed = 3, .threads = 1});
  const OnlineResult two = test::train_dqn(simulator, config, {.seed = 3, .threads = 2});
  CHECK(one.rounds.back().learner.loss == two.rounds.back().learner.loss);
  CHECK(one.rounds.back().mean_return == two.rounds.back().mean_return);
}

TEST_CASE("settings that the full catalogue cannot serve are refused by name", "[agents]") {
  const auto refused = [](auto change) {
    DqnConfig config = product_config();
    change(config);
    try {
      check(config);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(refused([](DqnConfig& c) { c.fresh_candidates = 0; }), Contains("fresh_candidates"));
  CHECK_THAT(refused([](DqnConfig& c) { c.network.interaction_hidden = 8; }), Contains("interaction_hidden"));
  CHECK_THAT(refused([](DqnConfig& c) { c.encoder.cross = true; }), Contains("encoder.cross"));
  CHECK_THAT(refused([](DqnConfig& c) { c.target_rate = 0.01F; }), Contains("target_rate"));
  CHECK_THAT(refused([](DqnConfig& c) { c.world.source = "popularity"; }), Contains("fresh_candidates"));
}

}  // namespace
}  // namespace swipegym
