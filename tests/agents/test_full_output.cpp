#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <vector>

#include "agents/dqn/full_output_learner.h"
#include "core/error.h"
#include "tests/agents/toy_dqn.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

constexpr std::size_t kBatch = 300, kInputs = 5, kActions = 7;

Matrix uniform_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed) {
  Matrix out(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns));
  RandomStream random(make_key(seed));
  for (Eigen::Index i = 0; i < out.size(); ++i) out.data()[i] = 2.0F * random.uniform() - 1.0F;
  return out;
}

TEST_CASE("a full-output network's gradients are its finite differences", "[agents]") {
  FullOutputNetwork network(kInputs, {6, 4}, kActions, make_key(1));
  network.set_shards(1);
  const Matrix states = uniform_matrix(4, kInputs, 2);
  const std::vector<std::int32_t> action = {0, 6, 0, 3};
  const std::vector<float> slope = {1.0F, -0.5F, 2.0F, 0.7F};
  FullOutputNetwork::Work work;
  std::vector<float> values(4);
  const auto loss = [&] {
    network.forward(states, work);
    network.chosen_values(work, action, values);
    double sum = 0.0;
    for (std::size_t i = 0; i < 4; ++i) sum += static_cast<double>(slope[i] * values[i]);
    return sum;
  };
  loss();
  Matrix all;
  network.all_values(work, all);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(all(static_cast<Eigen::Index>(i), action[i]) == Approx(values[i]).margin(1e-6));
  const std::vector<std::int32_t> listed = {6, -1, 2, 0, -1, -1, 1, 5};
  std::vector<float> of_listed(listed.size());
  network.listed_values(work, listed, of_listed);
  for (std::size_t i = 0; i < listed.size(); ++i)
    CHECK(of_listed[i] == (listed[i] < 0 ? Approx(FullOutputNetwork::kNoOutput)
                                         : Approx(all(static_cast<Eigen::Index>(i / 2), listed[i])).margin(1e-6)));
  network.backward(states, slope, action, work, 0);
  FullOutputNetwork::Work* const shards[] = {&work};
  network.scatter(shards, 1);
  const auto check = [&](float& variable, float analytic) {
    const float centre = variable;
    variable = centre + 0.002F;
    const double above = loss();
    variable = centre - 0.002F;
    const double below = loss();
    variable = centre;
    CHECK(static_cast<double>(analytic) == Approx((above - below) / 0.004).epsilon(0.01).margin(1e-3));
  };
  for (Parameter* parameter : network.parameters()) {
    const Matrix gradient = parameter->gradient();
    for (Eigen::Index i = 0; i < gradient.size(); ++i) check(parameter->value.data()[i], gradient.data()[i]);
  }
  for (Embedding* table : network.embeddings()) {
    CHECK(table->touched().size() == 3);  // actions 0, 6 and 3
    for (std::size_t slot = 0; slot < table->touched().size(); ++slot)
      for (Eigen::Index j = 0; j < table->table.value.cols(); ++j)
        check(table->table.value(table->touched()[slot], j),
              table->touched_gradient()(static_cast<Eigen::Index>(slot), j));
  }
}

/// A world of one step from anywhere: reward(s, a) is known, s' is another uniform state, and every second transition
/// ends.
struct OneStepWorld {
  static float reward(const float* state, std::int32_t action) {
    return state[0] * (action < 3 ? 1.0F : -1.0F) + 0.1F * static_cast<float>(action);
  }
  FullOutputRows draw(std::uint64_t update, std::size_t first, std::size_t count) {
    states = uniform_matrix(kBatch, kInputs, 2 * update)
                 .middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count));
    next = uniform_matrix(kBatch, kInputs, 2 * update + 1)
               .middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count));
    action.resize(count), rewards.resize(count), discount.resize(count), mask.assign(count * kActions, 1);
    for (std::size_t i = 0; i < count; ++i) {
      RandomStream random(split(make_key(77), update), static_cast<std::uint32_t>(first + i));
      action[i] = static_cast<std::int32_t>(random.below(kActions));
      rewards[i] = reward(states.data() + i * kInputs, action[i]);
      discount[i] = random.below(2) == 0 ? 0.0F : 0.8F;
      mask[i * kActions + 6] = 0;  // the best action where state[0] < 0 may not be chosen in s'
    }
    FullOutputRows rows{
        .states = &states, .next = &next, .action = action, .reward = rewards, .discount = discount, .next_mask = mask};
    if (lists) {
      listed.resize(count * kActions);
      for (std::size_t i = 0; i < listed.size(); ++i)
        listed[i] = mask[i] ? static_cast<std::int32_t>(i % kActions) : -1;
      rows.next_mask = {}, rows.next_listed = listed;
    }
    return rows;
  }
  bool lists = false;  // what s' may choose, instead of marking it
  Matrix states, next;
  std::vector<std::int32_t> action, listed;
  std::vector<float> rewards, discount;
  std::vector<std::uint8_t> mask;
};

struct Trained {
  Trained(bool double_q, int threads, int updates, bool lists = false)
      : network(kInputs, {32, 32}, kActions, make_key(4)) {
    FullOutputRegression regression(network, {.adam = {.learning_rate = 3e-3}, .batch = kBatch, .threads = threads},
                                    double_q, lists);
    std::vector<OneStepWorld> worlds(regression.shards());
    for (OneStepWorld& world : worlds) world.lists = lists;
    for (int update = 0; update < updates; ++update) {
      if (update == updates * 3 / 4) regression.adam().set_learning_rate(3e-4);
      regression.step([&](std::size_t shard, std::size_t first, std::size_t count) {
        return worlds[shard].draw(static_cast<std::uint64_t>(update), first, count);
      });
      if (update % 20 == 19) regression.move_target(double_q ? 0.5F : 1.0F);
    }
  }
  FullOutputNetwork network;
};

TEST_CASE("full-output Q-learning reaches the closed form, plain and double, and heeds masks", "[agents]") {
  // E[max over the allowed actions of r(s', a)] for state[0] = x uniform in [-1, 1]: x + .2 for x > -.15, else .5 - x.
  // Q = r + .4 V / (1 - .4) ... a transition ends with probability 1/2, so Q(s, a) = r + .4 V and V = E[max r] + .4 V.
  double sum = 0.0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = (i + 0.5) / 50'000.0 - 1.0;
    sum += std::max(x + 0.2, 0.5 - x);
  }
  const double value = sum / 100'000.0 / (1.0 - 0.4);
  for (const auto& [double_q, lists] : {std::pair{false, false}, std::pair{true, false}, std::pair{true, true}}) {
    Trained trained(double_q, 1, testing::kSanitized ? 20 : 800, lists);
    if (testing::skips_quality()) continue;
    const Matrix states = uniform_matrix(200, kInputs, 999);
    FullOutputNetwork::Work work;
    Matrix all;
    trained.network.lay_out();
    trained.network.forward(states, work);
    trained.network.all_values(work, all);
    double absolute = 0.0, bias = 0.0;
    for (Eigen::Index i = 0; i < all.rows(); ++i)
      for (Eigen::Index a = 0; a < all.cols(); ++a) {
        const double expected =
            static_cast<double>(OneStepWorld::reward(states.data() + i * states.cols(), static_cast<std::int32_t>(a))) +
            0.4 * value;
        absolute += std::abs(static_cast<double>(all(i, a)) - expected);
        bias += static_cast<double>(all(i, a)) - expected;
      }
    CAPTURE(double_q, lists, value);
    CHECK(absolute / static_cast<double>(all.size()) < 0.08);
    CHECK(bias / static_cast<double>(all.size()) == Approx(0.0).margin(0.03));
  }
}

TEST_CASE("the number of threads changes no bit of full-output learning", "[agents]") {
  Trained one(true, 1, 30), three(true, 3, 30);
  const auto a = one.network.parameters(), b = three.network.parameters();
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i]->value == b[i]->value);
  const auto c = one.network.embeddings(), d = three.network.embeddings();
  for (std::size_t i = 0; i < c.size(); ++i) CHECK(c[i]->table.value == d[i]->table.value);
}

FullOutputConfig shelf_config() {
  FullOutputConfig all;
  all.full_output_hidden = {32, 32};
  DqnConfig& config = all.q = test::quick_dqn_config();
  config.world.source = "top", config.world.candidates = 40;
  config.env_steps = testing::kSanitized ? 2'000 : 60'000;
  config.round_steps = config.env_steps / 4;
  config.learning_starts = 500;
  config.discount = 0.5F;
  config.epsilon_end = 0.5F;
  return all;
}

TEST_CASE("a full-output DQN learns the closed form on a shelf, resumes and is read from its file", "[agents]") {
  const auto simulator = test::make_toy_simulator(std::make_shared<test::LadderModel>(3));
  const FullOutputConfig config = shelf_config();
  const OnlineResult whole = test::train_full_output(simulator, config, {.seed = 3, .threads = 1});
  const test::FreshScores scores(simulator, config.q, *whole.policy);
  if (!testing::skips_quality()) {
    // Sessions of 3 on a shelf with ten videos worth 3/4: whatever comes first, two of them follow.
    double absolute = 0.0;
    for (std::size_t i = 0; i < scores.scores.size(); ++i)
      absolute += std::abs(static_cast<double>(scores.scores[i]) - scores.videos[i] % 4 / 4.0 - 0.75 * 0.75);
    CHECK(absolute / static_cast<double>(scores.scores.size()) < 0.1);
  }

  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_full_output.h5";
  std::filesystem::remove(path);
  OnlineRun run{.seed = 3, .threads = 2, .checkpoint = path};
  run.progress = [&](std::string_view, std::uint64_t done, std::uint64_t total) {
    if (done > total * 5 / 8) throw Interrupted();  // in the third round of four; the checkpoint holds two
  };
  CHECK_THROWS_AS(test::train_full_output(simulator, config, run), Interrupted);
  run.progress = {};
  run.resume = true;
  const OnlineResult resumed = test::train_full_output(simulator, config, run);
  CHECK(test::FreshScores(simulator, config.q, *resumed.policy).scores == scores.scores);

  whole.policy->save(path);
  const auto loaded = load_policy(path, *simulator);
  CHECK(loaded->name() == "dqn_full_output");
  CHECK(test::FreshScores(simulator, config.q, *loaded).scores == scores.scores);
  // On another shelf a video without an output comes last.
  FullOutputConfig wider = config;
  wider.q.world.candidates = 60;
  const test::FreshScores wide(simulator, wider.q, *loaded);
  for (std::size_t i = 0; i < 60; ++i)
    CHECK((wide.scores[i] < -1e8F) ==
          (std::find(scores.videos.begin(), scores.videos.begin() + 40, wide.videos[i]) == scores.videos.begin() + 40));
  std::filesystem::remove(path);
}

TEST_CASE("a full-output DQN learns among candidates that change, remembered or drawn anew, and among all",
          "[agents]") {
  const auto simulator = test::make_toy_simulator(std::make_shared<test::LadderModel>(3));
  struct Space {
    std::string source;
    std::size_t candidates, fresh;
  };
  for (const Space& space :
       {Space{"random", 20, 0}, Space{"random", 40, 0}, Space{"random", 20, 20}, Space{"full", 20, 20}}) {
    CAPTURE(space.source, space.candidates, space.fresh);
    FullOutputConfig config = shelf_config();
    config.q.world.source = space.source, config.q.world.candidates = space.candidates;
    config.q.fresh_candidates = space.fresh;
    const OnlineResult trained = test::train_full_output(simulator, config, {.seed = 3, .threads = 2});
    if (testing::skips_quality()) continue;
    // Sessions of 3 in which a video worth 3/4 is nearly always there to follow.
    const test::FreshScores scores(simulator, shelf_config().q, *trained.policy);
    double absolute = 0.0;
    for (std::size_t i = 0; i < scores.scores.size(); ++i)
      absolute += std::abs(static_cast<double>(scores.scores[i]) - scores.videos[i] % 4 / 4.0 - 0.75 * 0.75);
    CHECK(absolute / static_cast<double>(scores.scores.size()) < 0.1);
  }
}

TEST_CASE("a full-output network for candidates without a place, or for too many videos, is refused", "[agents]") {
  FullOutputConfig config = shelf_config();
  CHECK_NOTHROW(check(config));
  config.q.world.source = "popularity";
  CHECK_THROWS_WITH(check(config), Catch::Contains("world.source") && Catch::Contains("popularity"));
  config.q.world.source = "random";
  const auto large = test::make_toy_simulator(std::make_shared<test::LadderModel>(3), 10'001);
  CHECK_THROWS_WITH(FullOutputLearner(large, config, 1, 1), Catch::Contains("10001") && Catch::Contains("10000"));
  config = shelf_config();
  config.q.world.candidates = 10'001;
  CHECK_THROWS_WITH(check(config), Catch::Contains("world.candidates"));
}

TEST_CASE("settings of an earlier version that chose a full-output network are that agent's", "[agents]") {
  const Json settings = {{"network_kind", "full_output"}, {"full_output_hidden", {8}}, {"network", {{"width", 4}}}};
  CHECK(full_output_of_dqn(settings) == "full-output");
  CHECK(config_from_json<FullOutputConfig>(settings, "a file").full_output_hidden == std::vector<std::size_t>{8});
  CHECK(full_output_of_dqn({{"batch", 64}}).empty());
  CHECK_NOTHROW(config_from_json<DqnConfig>({{"network_kind", "item_features"}}, "a file"));
  CHECK_THROWS_WITH(config_from_json<DqnConfig>({{"network_kind", "full_output"}}, "a file"),
                    Catch::Contains("train full-output"));
}

}  // namespace
}  // namespace swipegym
