#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <numeric>

#include "agents/policy_gradient/rlur_learner.h"
#include "agents/policy_gradient/running_ridge.h"
#include "core/error.h"
#include "core/random.h"
#include "env/candidate_sources.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::make_toy_simulator;

// Odd videos are short, even ones long. Users who leave come back after an hour with a chance that is known, else after
// two days.
class ReturningModel : public test::ToyModel {
 public:
  std::string_view name() const noexcept override { return "returning"; }
  std::int64_t draw_return_gap(UserIndex user, std::int64_t, std::span<const float> state, RandomKey key,
                               Scratch&) const override {
    constexpr std::int64_t kHour = 3'600'000;
    return RandomStream(key).uniform() < chance(index_of(user), state.data()) ? kHour : 48 * kHour;
  }
  std::size_t state_size() const noexcept override { return 3; }

 protected:
  virtual float chance(std::uint32_t user, const float* state) const = 0;
};

// Sessions of two videos. A short one is watched for .9 less and adds .3 to the chance of coming back: it is worth that
// where a return is worth more than 3.
class TwoKinds final : public ReturningModel {
 protected:
  float ratio(std::uint32_t video, const float*) const override { return video % 2 == 1 ? 0.1F : 1.0F; }
  bool move_on(std::uint32_t video, float* state) const override {
    state[1] += static_cast<float>(video % 2);
    return ++state[0] >= 2.0F;
  }
  float chance(std::uint32_t, const float* state) const override { return 0.2F + 0.3F * state[1]; }
};

// Sessions of one video. Whoever was shown a long one is in a good mood the next time, and comes back for .7 more then;
// a short one adds .1 to the chance of now. Looking ahead, a long one is better: by .7 discount - .1.
class NextMood final : public ReturningModel {
 public:
  void begin(UserIndex user, std::int64_t, std::span<float> state) const override {
    state[0] = static_cast<float>(1 - index_of(user) % 2);  // what the newest logged video says, as ever after
    state[1] = 0.0F;
  }
  void begin_next_session(std::int64_t, std::span<float> state) const override { state[0] = 1.0F - state[1]; }

 protected:
  float ratio(std::uint32_t, const float*) const override { return 1.0F; }
  bool move_on(std::uint32_t video, float* state) const override {
    state[1] = static_cast<float>(video % 2);
    return true;
  }
  float chance(std::uint32_t, const float* state) const override { return 0.1F + 0.7F * state[0] + 0.1F * state[1]; }
};

// Sessions of one video; half of the users come back with .05, half with .85. A short video adds .04.
class Habits final : public ReturningModel {
 protected:
  float ratio(std::uint32_t, const float*) const override { return 1.0F; }
  bool move_on(std::uint32_t video, float* state) const override {
    state[1] = static_cast<float>(video % 2);
    return true;
  }
  float chance(std::uint32_t user, const float* state) const override {
    return (user % 2 == 1 ? 0.85F : 0.05F) + 0.04F * state[1];
  }
};

// A user's parity is their first feature.
std::shared_ptr<const Simulator> returning_simulator(std::shared_ptr<const UserModel> model) {
  auto simulator = std::make_shared<Simulator>(*make_toy_simulator(std::move(model)));
  std::vector<float>& features = simulator->catalogue.user_features;
  std::fill(features.begin(), features.end(), 0.0F);
  for (std::size_t user = 0; user < features.size() / kUserFeatures; ++user)
    features[user * kUserFeatures] = static_cast<float>(user % 2);
  return simulator;
}

RlurConfig small_rlur(std::int64_t env_steps) {
  RlurConfig config;
  ActorConfig& actor = config.actor;
  actor.world.candidates = 5;
  actor.num_envs = 64;
  actor.world.history_length = 4;
  actor.world.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
  actor.rollout_steps = 8;
  actor.round_steps = 5 * 512;
  actor.env_steps = testing::kSanitized ? 5 * 512 : env_steps;
  actor.minibatch = 256;
  actor.reward_scale = 1.0F;
  actor.learning_rate = 1e-2;
  actor.final_learning_rate = 1e-3;
  actor.critic_rate = 5e-3;
  actor.critic_hidden = {16};
  actor.network = {.state_hidden = {16}, .item_hidden = {16}, .width = 8, .interaction_hidden = 8};
  config.retention.penalty = 50.0;
  config.retention.learning_rate = 3e-3;
  config.retention.hidden = {16};
  return config;
}

OnlineResult train_rlur(const std::shared_ptr<const Simulator>& simulator, const RlurConfig& config,
                        const OnlineRun& run) {
  return train_agent(simulator, rlur_agent(config), run);
}

// How often the best candidate is a short video, over the first choices of sessions that offer both kinds.
double short_share(const std::shared_ptr<const Simulator>& simulator, const RlurConfig& config, const Policy& policy) {
  VectorEnv env = make_returning_env(simulator, config, 1);
  const std::size_t envs = env.config().num_envs, m = config.actor.world.candidates;
  std::vector<std::uint64_t> seeds(envs);
  std::iota(seeds.begin(), seeds.end(), 5000);
  const ObservationView seen = env.reset(seeds);
  const std::vector<RandomKey> keys(envs);
  const std::vector<std::uint32_t> streams(envs);
  std::vector<float> scores(envs * m);
  const DecisionBatch batch{seen, &env, keys, streams, 1};
  policy.score(batch, scores);
  double both = 0.0, best_short = 0.0;
  for (std::size_t row = 0; row < envs; ++row) {
    std::size_t shorts = 0, best = 0;
    for (std::size_t slot = 0; slot < m; ++slot) {
      shorts += static_cast<std::size_t>(seen.candidate[row * m + slot] % 2);
      if (scores[row * m + slot] > scores[row * m + best]) best = slot;
    }
    if (shorts == 0 || shorts == m) continue;
    both += 1.0, best_short += seen.candidate[row * m + best] % 2;
  }
  return best_short / both;
}

double figure(const OnlineResult& trained, std::string_view name) {
  for (const AgentFigure& one : trained.rounds.back().figures)
    if (one.name == name) return one.value;
  return std::nan("");
}

TEST_CASE("RLUR trades reward for returns where their weight says so", "[agents]") {
  const auto simulator = returning_simulator(std::make_shared<TwoKinds>());
  for (const auto& [weight, wanted] : {std::pair{0.0F, 0.0}, {1.5F, 0.0}, {9.0F, 1.0}, {1000.0F, 1.0}}) {
    RlurConfig config = small_rlur(40 * 512);
    config.retention.weight = weight;
    const OnlineResult trained = train_rlur(simulator, config, {.seed = 4, .threads = 1});
    if (testing::skips_quality()) return;
    CAPTURE(weight);
    CHECK(short_share(simulator, config, *trained.policy) == Approx(wanted).margin(0.05));
    // .2 and .8, but for what a policy that draws still explores and for sets that offer one kind.
    CHECK(figure(trained, "returns") == Approx(0.2 + 0.6 * wanted).margin(0.08));
  }
}

TEST_CASE("RLUR finds what pays through later sessions, and does not with a discount of 0 between them", "[agents]") {
  const auto simulator = returning_simulator(std::make_shared<NextMood>());
  for (const auto& [discount, wanted] : {std::pair{0.95F, 0.0}, {0.0F, 1.0}}) {
    RlurConfig config = small_rlur(60 * 512);
    config.actor.world.reward = {.watch_s = 0.0F};
    config.retention.discount = discount;
    const OnlineResult trained = train_rlur(simulator, config, {.seed = 4, .threads = 1});
    if (testing::skips_quality()) return;
    CAPTURE(discount);
    CHECK(short_share(simulator, config, *trained.policy) == Approx(wanted).margin(0.05));
  }
}

TEST_CASE("RLUR hears what videos do to returns through what habit does, by taking habit off", "[agents]") {
  const auto simulator = returning_simulator(std::make_shared<Habits>());
  RlurConfig config = small_rlur(40 * 512);
  config.actor.world.reward = {.watch_s = 0.0F};
  std::vector<double> shorts;  // with habit taken off, and without: means over two seeds
  for (const bool normalise : {true, false}) {
    config.retention.normalise = normalise;
    shorts.push_back(0.0);
    for (const std::uint64_t seed : {4, 5}) {
      const OnlineResult trained = train_rlur(simulator, config, {.seed = seed, .threads = 1});
      if (testing::skips_quality()) return;
      shorts.back() += short_share(simulator, config, *trained.policy) / 2.0;
      CHECK(figure(trained, "habit") == Approx(0.16 / 0.25).margin(0.04));  // variance between users, of all
    }
  }
  CAPTURE(shorts[0], shorts[1]);
  CHECK(shorts[0] > 0.97);
  CHECK(shorts[1] < 0.9);
}

TEST_CASE("a running ridge is the least squares line, shrunk by its penalty", "[agents]") {
  // y = 3 + 2 x over equally many x = -1 and 1 beside a column that stands still: 2 n / (n + penalty).
  constexpr std::size_t kRows = 200;
  Matrix x(kRows, 2);
  std::vector<float> y(kRows), foretold(kRows);
  std::vector<std::uint32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0U);
  for (std::size_t i = 0; i < kRows; ++i) {
    x(static_cast<Eigen::Index>(i), 0) = i % 2 == 0 ? 1.0F : -1.0F;
    x(static_cast<Eigen::Index>(i), 1) = 0.5F;
    y[i] = 3.0F + 2.0F * x(static_cast<Eigen::Index>(i), 0);
  }
  RunningRidge ridge(2, 100.0);
  ridge.foretell(x, foretold);
  CHECK(foretold[0] == 0.0F);
  for (const std::size_t first : {std::size_t{0}, kRows / 2})
    ridge.add(x, std::span(rows).subspan(first, kRows / 2), y);
  ridge.fit();
  ridge.foretell(x, foretold);
  CHECK(foretold[0] == Approx(3.0 + 2.0 * 200 / 300).epsilon(1e-4));
  CHECK(foretold[1] == Approx(3.0 - 2.0 * 200 / 300).epsilon(1e-4));
  // Of what another one leaves over: (2 - 4/3) n / (n + penalty).
  RunningRidge rest(2, 100.0);
  rest.add(x, rows, y);
  rest.fit(&ridge);
  rest.foretell(x, foretold);
  CHECK(foretold[0] == Approx(2.0 / 3.0 * 200 / 300).epsilon(1e-3));
}

TEST_CASE("a rollout keeps the state a user left in, and goes on with that of coming back", "[agents]") {
  const auto simulator = returning_simulator(std::make_shared<TwoKinds>());
  RlurConfig config = small_rlur(512);
  config.actor.num_envs = 3;
  VectorEnv env = make_returning_env(simulator, config, 1);
  const ItemInputs items = make_item_inputs(simulator->catalogue);
  const StateEncoder encoder(config.actor.encoder, items);
  Rollout rollout(encoder, {.envs = 3, .steps = 3, .slots = 5, .returns = true, .threads = 1});
  rollout.begin(env.reset(std::vector<std::uint64_t>{1, 2, 3}));
  const std::vector<std::int32_t> actions(3);
  rollout.add(env.step(actions), {});
  CHECK(rollout.left_by.empty());
  rollout.add(env.step(actions), {});  // the second video of each session, its last
  const std::vector<std::uint8_t> back = {1, 0, 1};
  constexpr Eigen::Index kClock = kUserFeatures;  // context 0: steps taken / max_steps
  const float over = rollout.states(6, kClock);
  CHECK(over > 0.0F);
  rollout.come_back(env.next_session(back), back);
  CHECK(rollout.left_by == std::vector<std::uint32_t>{3, 5});
  CHECK(rollout.left(0, kClock) == over);
  CHECK(rollout.left(1, kClock) == over);
  CHECK(rollout.states(6, kClock) == 0.0F);
  CHECK(rollout.states(7, kClock) == over);  // not back yet
  CHECK(rollout.gap_h[3] >= 1.0F);
  CHECK(rollout.gap_h[0] == -1.0F);
  CHECK(rollout.candidate[6 * 5] == env.observation().candidate[0]);
}

bool same_rlur(const OnlineResult& a, const OnlineResult& b) {
  ValueNetwork x = test::value_model(a).network, y = test::value_model(b).network;
  const auto p = x.parameters(), q = y.parameters();
  bool same = p.size() == q.size() && a.learner->details() == b.learner->details();
  for (std::size_t i = 0; same && i < p.size(); ++i) same = p[i]->value == q[i]->value;
  return same;
}

TEST_CASE("the layers of critics count as memory", "[agents]") {
  const auto simulator = returning_simulator(std::make_shared<TwoKinds>());
  const auto needs = [&](const RlurConfig& config) { return training_memory(*simulator, config).total(); };
  const RlurConfig small = small_rlur(8 * 512);
  RlurConfig returns = small, reward = small;
  returns.retention.hidden = {4096, 4096};
  reward.actor.critic_hidden = {4096, 4096};
  constexpr std::uint64_t kWeights = std::uint64_t{4096} * 4096 * sizeof(float);  // of one layer
  CHECK(needs(returns) > needs(small) + 2 * 4 * kWeights);  // two critics: values, two moments, gradients
  CHECK(needs(reward) > needs(small) + 4 * kWeights);
}

TEST_CASE("threads change no bit of RLUR, and a resumed run ends as the unbroken one", "[agents][threads]") {
  const auto checkpoint = std::filesystem::temp_directory_path() / "swipegym_test_retention_checkpoint.h5";
  std::filesystem::remove(checkpoint);
  const auto simulator = returning_simulator(std::make_shared<TwoKinds>());
  RlurConfig config = small_rlur(8 * 512);
  config.actor.env_steps = 8 * 512, config.actor.round_steps = 2 * 512, config.actor.minibatch = 150;
  const OnlineResult whole = train_rlur(simulator, config, {.seed = 9, .threads = 1});
  CHECK(same_rlur(whole, train_rlur(simulator, config, {.seed = 9, .threads = 3})));
  CHECK_FALSE(same_rlur(whole, train_rlur(simulator, config, {.seed = 10, .threads = 1})));
  OnlineRun run{.seed = 9, .threads = 1, .checkpoint = checkpoint, .checkpoint_rounds = 1};
  run.progress = [&](std::string_view, std::uint64_t done, std::uint64_t) {
    if (done > 5 * 512) throw Interrupted();
  };
  CHECK_THROWS_AS(train_rlur(simulator, config, run), Interrupted);
  run.progress = {};
  run.resume = true;
  CHECK(same_rlur(whole, train_rlur(simulator, config, run)));
  std::filesystem::remove(checkpoint);
}

TEST_CASE("RLUR's settings say what a return counts, and the world's reward does not", "[agents]") {
  RlurConfig config;
  config.actor.world.reward.return_day = 1.0F;
  CHECK_THROWS_WITH(rlur_agent(config), Catch::Contains("world.reward.return_day") && Catch::Contains("retention"));
  config.actor.world.reward.return_day = 0.0F;
  config.retention.discount = 1.0F;
  CHECK_THROWS_WITH(rlur_agent(config), Catch::Contains("retention.discount"));
}

}  // namespace
}  // namespace swipegym
