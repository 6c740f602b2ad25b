#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "agents/catalogue_ranking.h"
#include "agents/sasrec/sqn_learner.h"
#include "agents/sasrec/sqn_transitions.h"
#include "agents/sasrec/train_sqn.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "policy/policy_file.h"
#include "tests/agents/interrupt_after.h"
#include "tests/agents/sequence_toy.h"

namespace swipegym {
namespace {

using SqnToy = test::TasteToy;

SqnConfig small_sqn(const std::string& method) {
  SqnConfig config;
  config.method = method;
  config.network.width = 8, config.network.inner = 8, config.network.max_length = 6;
  config.rewards.long_view = 0.2;  // the toy's only feedback
  config.epochs = 3, config.batch = 64, config.actor_after = 10, config.actor_learning_rate = 0.005;
  return config;
}

constexpr std::int32_t kOpening = 0, kEarly = 1, kLate = 2, kOther = 3, kVideos = 4;

/// Two rewarded steps. From the start, kEarly earns .2 and kLate .4; then kOther earns 1 after kEarly, all else .2. So
/// kEarly is worth .2 + discount * 1, kLate .4 + discount * .2: the one that looks worse is better.
void write_two_steps(RandomStream& random, Transitions& out) {
  const auto history = [](PackedHistories& histories, std::initializer_list<std::int32_t> items) {
    std::int32_t position = 0;
    for (const std::int32_t item : items) {
      histories.item.push_back(item), histories.author.push_back(-1), histories.tag.push_back(-1);
      histories.position.push_back(position++);
    }
    histories.offset.push_back(static_cast<std::uint32_t>(histories.rows()));
  };
  const std::int32_t first = random.below(2) == 0 ? kEarly : kLate;
  const auto second = static_cast<std::int32_t>(1 + random.below(3));
  if (random.below(2) == 0) {
    history(out.state, {kOpening}), history(out.next_state, {kOpening, first});
    out.action.push_back(first), out.reward.push_back(first == kEarly ? 0.2F : 0.4F);
    out.next.push_back(static_cast<std::int32_t>(out.next_state.offset.size()) - 2);
  } else {
    history(out.state, {kOpening, first});
    out.action.push_back(second), out.reward.push_back(first == kEarly && second == kOther ? 1.0F : 0.2F);
    out.next.push_back(-1);
  }
}

/// One video a transition that was not its action, evenly drawn.
void add_unseen(RandomStream& random, Transitions& out) {
  const auto drawn = static_cast<std::int32_t>(random.below(kVideos - 1));
  out.unseen.push_back(drawn + (drawn >= out.action.back() ? 1 : 0));
}

/// Q(start, .) of the first network after learning from random two-step logs, with as many negatives (0 or 1).
Eigen::RowVectorXf values_at_start(double discount, std::size_t negatives = 0) {
  SasrecNetworkConfig config = sqn_network_defaults();
  config.width = 8, config.inner = 8, config.max_length = 2;
  config.authors = config.tags = false;
  std::array<SqnNetwork, 2> networks;
  for (std::size_t n = 0; n < 2; ++n)
    networks[n] = SqnNetwork(SasrecNetwork(config, kVideos, 0, 0, 0, split(make_key(3), n)), split(make_key(4), n));
  SqnLearner::Settings settings;
  settings.objective.discount = discount, settings.objective.negatives = negatives;
  settings.adam.learning_rate = 0.01;
  settings.dropout = 0.0, settings.shards = 2, settings.threads = 1;
  SqnLearner learner(networks, settings);
  const std::uint64_t steps = negatives > 0 ? 2700 : 900;
  for (std::uint64_t step = 0; step < steps; ++step) {
    if (step == steps / 3 * 2) learner.set_learning_rate(0.002);
    learner.step(32, [&](std::size_t i, Transitions& out) {
      RandomStream random(split(split(make_key(5), step), i));
      write_two_steps(random, out);
      if (negatives > 0) add_unseen(random, out);
    });
  }
  const std::int64_t first = learner.adam()[0].steps();
  CHECK(std::abs(2 * first - static_cast<std::int64_t>(steps)) < 150);  // a fair coin
  PackedHistories start;
  start.item = {kOpening}, start.author = {-1}, start.tag = {-1}, start.position = {0}, start.offset = {0, 1};
  SasrecWorkOf<float> work;
  networks[0].body.forward(start, {}, work);
  Eigen::RowVectorXf state(9);
  state << work.states().row(0), 1.0F;
  return state * networks[0].values.table.value.transpose();
}

TEST_CASE("values learn a reward that comes two steps later, and without a discount they do not", "[agents]") {
  const Eigen::RowVectorXf patient = values_at_start(0.5), hasty = values_at_start(0.0);
  CHECK(patient(kEarly) == Approx(0.7).margin(0.05));
  CHECK(patient(kLate) == Approx(0.5).margin(0.05));
  CHECK(hasty(kEarly) == Approx(0.2).margin(0.05));
  CHECK(hasty(kLate) == Approx(0.4).margin(0.05));
}

TEST_CASE("negatives draw the values of actions towards what staying is worth", "[agents]") {
  // At the start either action is taken half of the time, and every other video is the negative a third of it: three
  // parts of what a video earns to one of y = discount * V(start), and y alone for what is never shown. So without a
  // discount .15 and .3. With .5, V(start, kEarly) = .6 / .8 and V(start, kLate) = .12 / .8 by the same sums over the
  // second step's three actions; then Q(kEarly) = (3 * (.2 + .375) + y) / 4 is the largest, .43125 / .875.
  const Eigen::RowVectorXf hasty = values_at_start(0.0, 1), patient = values_at_start(0.5, 1);
  CHECK(hasty(kEarly) == Approx(0.15).margin(0.04));
  CHECK(hasty(kLate) == Approx(0.3).margin(0.04));
  CHECK(hasty(kOther) == Approx(0.0).margin(0.04));
  CHECK(patient(kEarly) == Approx(0.493).margin(0.04));
  CHECK(patient(kLate) == Approx(0.418).margin(0.04));
  CHECK(patient(kOther) == Approx(0.246).margin(0.04));
  CHECK(patient(kOpening) == Approx(0.246).margin(0.04));
}

TEST_CASE("negatives are drawn evenly from all videos but the action, the same ones by the same key", "[agents]") {
  SqnToy toy;
  const SqnConfig config = small_sqn("snqn");
  const ItemInputs items = make_item_inputs(toy.catalogue);
  const SupervisedTask task = toy.task();
  const SqnTransitions transitions(task, config, items, {task.train});
  Transitions out, again;
  constexpr std::size_t kDraws = 3000;
  transitions.write(0, kDraws, make_key(1), out);
  transitions.write(0, kDraws, make_key(1), again);
  REQUIRE(out.unseen.size() == kDraws);
  CHECK(out.unseen == again.unseen);
  std::vector<std::size_t> drawn(items.num_ids);
  for (const std::int32_t item : out.unseen) ++drawn[static_cast<std::size_t>(item)];
  const double mean = static_cast<double>(kDraws) / static_cast<double>(items.num_ids - 1);
  for (std::size_t item = 0; item < drawn.size(); ++item) {
    const double expected = static_cast<std::int32_t>(item) == out.action[0] ? 0.0 : mean;
    CHECK(static_cast<double>(drawn[item]) == Approx(expected).margin(5.0 * std::sqrt(mean) * (expected > 0.0)));
  }
}

TEST_CASE("transitions hold the strictly earlier rows, the largest reward, and end with the last action", "[agents]") {
  SqnToy toy;
  for (auto& signals : toy.data.log.signals) signals = 0;
  // The first user's rows 3, 4 (at one time) and 8 are worth something; row 25 would be, on a later day.
  toy.data.log.signals[3] = bit(Signal::kClick);
  toy.data.log.signals[4] = bit(Signal::kClick) | bit(Signal::kLike);
  toy.data.log.time_ms[4] = toy.data.log.time_ms[3];
  toy.data.log.signals[8] = bit(Signal::kClick);
  toy.data.log.signals[25] = bit(Signal::kClick);
  toy.data.log.signals[30] = bit(Signal::kClick);  // the second user's first row has no history
  const SqnConfig config = small_sqn("sqn");
  const ItemInputs items = make_item_inputs(toy.catalogue);
  const SupervisedTask task = toy.task();
  const SqnTransitions transitions(task, config, items, {task.train});
  REQUIRE(transitions.size() == 3);
  Transitions out;
  for (std::size_t i = 0; i < 3; ++i) transitions.write(i, 0, make_key(1), out);
  CHECK(out.reward == std::vector<float>{0.2F, 1.0F, 0.2F});
  CHECK(out.next == std::vector<std::int32_t>{0, 1, -1});
  CHECK(out.state.offset == std::vector<std::uint32_t>{0, 3, 6, 12});  // 3, 3 and the newest 6 of 8 rows
  CHECK(out.next_state.offset == std::vector<std::uint32_t>{0, 4, 9});
  const auto item_of = [&](std::size_t row) { return items.id[index_of(toy.data.log.video[row])]; };
  CHECK(out.action == std::vector<std::int32_t>{item_of(3), item_of(4), item_of(8)});
  CHECK(out.next_state.item[3] == item_of(3));
  CHECK(out.state.item[6] == item_of(2));
  CHECK(out.state.item[11] == item_of(7));
}

TEST_CASE("SQN, SAC, SNQN, SA2C and their supervised half learn which video is watched next", "[agents]") {
  const SqnToy toy;
  const std::string method = GENERATE("none", "sqn", "sac", "snqn", "sa2c");
  CAPTURE(method);
  SqnConfig config = small_sqn(method);
  config.epochs = 25, config.patience = 25;
  const TrainedModel trained = train_sqn(toy.task(), config);
  CHECK(trained.details["transitions"].get<std::size_t>() > 400);
  double best = 0.0;
  for (const EpochReport& e : trained.epochs) best = std::max(best, e.validation_metric);
  // The next video is one or two further: by chance it is .19, by knowing that (1 + 1 / log2(3)) / 2 = .815.
  CHECK(best > 0.55);
}

TEST_CASE("SQN trains to the same bits on any number of threads, and goes on from a checkpoint", "[agents]") {
  const SqnToy toy;
  const std::string method = GENERATE("sqn", "sac", "sa2c");
  const SqnConfig config = small_sqn(method);
  const auto weights = [](const TrainedModel& trained) {
    return static_cast<const SasrecPolicy&>(*trained.policy).model().network.items.table.value;
  };
  const TrainedModel one = train_sqn(toy.task(1), config);
  CHECK(weights(train_sqn(toy.task(3), config)) == weights(one));

  SupervisedTask task = toy.task();
  task.checkpoint = std::filesystem::temp_directory_path() / ("swipegym_test_" + method + ".checkpoint");
  task.resume = true;
  task.progress = testing::interrupt_after(2, config.epochs);
  CHECK_THROWS_AS(train_sqn(task, config), Interrupted);
  task.progress = {};
  const TrainedModel resumed = train_sqn(task, config);
  CHECK(weights(resumed) == weights(one));
  CHECK(resumed.epochs.back().validation_metric == one.epochs.back().validation_metric);
  CHECK(resumed.epochs.back().train_loss == one.epochs.back().train_loss);
  std::filesystem::remove(task.checkpoint);
}

TEST_CASE("a file of SQN is a policy that ranks as it did in training", "[agents]") {
  const SqnToy toy;
  const TrainedModel trained = train_sqn(toy.task(), small_sqn("sqn"));
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "swipegym_test_sqn.h5";
  trained.policy->save(path);
  const std::shared_ptr<const Policy> loaded = load_policy(path, toy.catalogue);
  CHECK(loaded->name() == "sqn");
  CHECK(loaded->head() == "next_video");
  const std::vector<std::uint32_t> rows = {29, 59, 89};
  CHECK(rank_logged_rows(*loaded, toy.data, toy.catalogue, rows, 1) ==
        rank_logged_rows(*trained.policy, toy.data, toy.catalogue, rows, 1));
  std::filesystem::remove(path);
}

TEST_CASE("SQN's complaints name the setting or the days", "[agents]") {
  const SqnToy toy;
  SqnConfig config = small_sqn("sqn");
  config.discount = 1.0;
  CHECK_THROWS_WITH(train_sqn(toy.task(), config), Catch::Contains("discount"));
  config = small_sqn("dqn");
  CHECK_THROWS_WITH(train_sqn(toy.task(), config), Catch::Contains("sqn, snqn, sac, sa2c, none"));
  config = small_sqn("sqn");
  config.rewards.long_view = 0.0;
  CHECK_THROWS_WITH(train_sqn(toy.task(), config), Catch::Contains("20220415") && Catch::Contains("rewards"));
  config = small_sqn("sqn");
  config.learning_rate = 10.0, config.weight_decay = 1e3;
  config.clip_norm = 0.0;
  CHECK_THROWS_AS(train_sqn(toy.task(), config), SystemError);
}

}  // namespace
}  // namespace swipegym
