#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "agents/policy_gradient/sasrec_actor.h"
#include "core/error.h"
#include "env/candidate_sources.h"
#include "policy/select.h"
#include "tests/agents/toy_models.h"

namespace swipegym {
namespace {

using test::LadderModel;
using test::make_toy_simulator;

SasrecActorConfig small_sasrec_actor() {
  SasrecActorConfig config;
  config.actor.world.candidates = 5, config.actor.num_envs = 32, config.actor.world.history_length = 6,
  config.actor.world.max_steps = 8;
  config.actor.world.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
  config.actor.rollout_steps = 6;
  config.actor.round_steps = 5 * 192, config.actor.env_steps = 15 * 192;
  config.actor.minibatch = 100;
  config.actor.reward_scale = 1.0F;
  config.actor.learning_rate = 0.02, config.actor.final_learning_rate = 0.005;
  config.network.width = 8, config.network.inner = 8, config.network.max_length = 6;
  return config;
}

const SasrecModel& sasrec_model(const Policy& policy) {
  return static_cast<const SasrecPolicy&>(policy).model();
}

// From a policy file, as 'train sasrec-ppo --start' begins.
OnlineResult train(const std::shared_ptr<const Simulator>& simulator, const SasrecActorConfig& config, OnlineRun run,
                   const SasrecModel* start = nullptr) {
  const Agent agent = sasrec_ppo_agent(config);
  if (start == nullptr) return train_agent(simulator, agent, run);
  run.start = std::filesystem::temp_directory_path() / "swipegym_test_sasrec_start.h5";
  SasrecPolicy(std::make_shared<SasrecModel>(*start)).save(run.start);
  OnlineResult trained = train_agent(simulator, agent, run);
  std::filesystem::remove(run.start);
  return trained;
}

/// Mean KL(p || q) of the softmax of two policies over the candidates of fresh sessions.
double divergence(const std::shared_ptr<const Simulator>& simulator, const SasrecModel& p, const SasrecModel& q) {
  constexpr std::size_t kRows = 64, kSlots = 5;
  VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, kSlots),
                {.num_envs = kRows, .threads = 1, .history_length = 6});
  std::vector<std::uint64_t> seeds(kRows);
  std::iota(seeds.begin(), seeds.end(), 100);
  env.reset(seeds);
  const std::vector<RandomKey> keys(kRows);
  const std::vector<std::uint32_t> streams(kRows);
  const std::vector<std::uint8_t> open(kSlots, 1);
  std::vector<float> a(kRows * kSlots), b(a);
  const DecisionBatch batch{env.observation(), &env, keys, streams, 1};
  SasrecPolicy(std::make_shared<SasrecModel>(p)).score(batch, a);
  SasrecPolicy(std::make_shared<SasrecModel>(q)).score(batch, b);
  double sum = 0.0;
  for (std::size_t row = 0; row < kRows; ++row) {
    const std::span<float> mine = std::span(a).subspan(row * kSlots, kSlots),
                           other = std::span(b).subspan(row * kSlots, kSlots);
    log_softmax(mine, open, mine);
    log_softmax(other, open, other);
    std::vector<float> unused(kSlots);
    sum += anchor_loss(1.0F, mine, other, unused) / static_cast<double>(kRows);
  }
  return sum;
}

TEST_CASE("the anchor is KL(p || q), and its gradient that of finite differences", "[agents]") {
  const std::vector<float> scores = {0.3F, -1.0F, 0.7F, 5.0F}, other = {0.0F, 0.5F, 0.25F, 9.0F};
  const std::vector<std::uint8_t> mask = {1, 1, 1, 0};
  std::vector<float> q(4);
  log_softmax(other, mask, q);
  const auto loss = [&](const std::vector<float>& z, std::vector<float>& gradient) {
    std::vector<float> p(4);
    log_softmax(z, mask, p);
    gradient.assign(4, 0.0F);
    return anchor_loss(0.5F, p, q, gradient);
  };
  std::vector<float> gradient, unused;
  loss(scores, gradient);
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<float> above = scores, below = scores;
    above[i] += 0.01F, below[i] -= 0.01F;
    CHECK(gradient[i] == Approx((loss(above, unused) - loss(below, unused)) / 0.02).margin(1e-4));
  }
  CHECK(loss(other, gradient) == Approx(0.0).margin(1e-7));  // its own least
}

TEST_CASE("an actor starts as the policy it is given, is held there by the anchor, and leaves without", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  SasrecActorConfig config = small_sasrec_actor();
  const SasrecModel start = sasrec_model(*make_sasrec_actor(simulator, config, 1, 1)->snapshot());
  config.anchor = 0.0F;
  CHECK(divergence(simulator, sasrec_model(*make_sasrec_actor(simulator, config, 2, 1, &start)->snapshot()), start) ==
        Approx(0.0).margin(1e-6));
  const OnlineResult free = train(simulator, config, {.seed = 2, .threads = 1}, &start);
  config.anchor = 10.0F;
  const OnlineResult held = train(simulator, config, {.seed = 2, .threads = 1}, &start);
  const double far = divergence(simulator, sasrec_model(*free.policy), start),
               near = divergence(simulator, sasrec_model(*held.policy), start);
  CHECK(far > 0.1);
  CHECK(near < 0.1 * far);
  CHECK(free.rounds.back().mean_return > free.rounds.front().mean_return);
}

TEST_CASE("threads change no bit of a SASRec actor", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  const SasrecActorConfig config = small_sasrec_actor();
  const SasrecModel start = sasrec_model(*make_sasrec_actor(simulator, config, 1, 1)->snapshot());
  const auto weights = [&](int threads) {
    return sasrec_model(*train(simulator, config, {.seed = 3, .threads = threads}, &start).policy)
        .network.items.table.value;
  };
  CHECK(weights(1) == weights(3));
}

TEST_CASE("a SASRec actor's complaints name the setting or the start", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(3));
  SasrecActorConfig config = small_sasrec_actor();
  SasrecModel start = sasrec_model(*make_sasrec_actor(simulator, config, 1, 1)->snapshot());
  start.objective = SasrecObjective::kRatio;
  CHECK_THROWS_WITH(train(simulator, config, {.seed = 1}, &start), Catch::Contains("next videos"));
  config.anchor = -1.0F;
  CHECK_THROWS_WITH(train(simulator, config, {.seed = 1}), Catch::Contains("anchor"));
  config = small_sasrec_actor();
  config.actor.clip = 2.0F;
  CHECK_THROWS_WITH(train(simulator, config, {.seed = 1}), Catch::Contains("clip"));
  config = small_sasrec_actor();
  config.actor.world.slate = 2;
  CHECK_THROWS_WITH(train(simulator, config, {.seed = 1}), Catch::Contains("slate"));
}

}  // namespace
}  // namespace swipegym
