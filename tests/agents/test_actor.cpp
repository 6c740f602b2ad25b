#include <catch2/catch.hpp>
#include <filesystem>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::LadderModel;
using test::make_toy_simulator;
using test::PatienceModel;

// Small and quick; rewards are watch ratios.
ActorConfig small_actor(const std::string& algorithm) {
  ActorConfig config = actor_defaults(algorithm);
  config.world.candidates = 5;
  config.num_envs = 64;
  config.world.history_length = 4;
  config.world.max_steps = 20;
  config.world.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
  config.rollout_steps = 12;
  config.round_steps = 10 * 768;
  config.env_steps = testing::kSanitized ? 10 * 768 : 80 * 768;
  config.minibatch = 256;
  config.reward_scale = 1.0F;
  config.learning_rate = 5e-3;
  config.gae_lambda = 0.9F;
  config.entropy = 0.001F;
  config.network = {.state_hidden = {32}, .item_hidden = {16}, .width = 8, .interaction_hidden = 8};
  if (algorithm == "a2c" || algorithm == "reinforce") config.rollout_steps = 4;
  return config;
}

double greedy_return(std::shared_ptr<const Simulator> simulator, const ActorConfig& config,
                     const OnlineResult& trained) {
  return evaluate_actor(simulator, config, *trained.policy, Exploration::greedy(), 512, 1, 1).session_reward;
}

TEST_CASE("policy gradients solve a bandit and wait for a reward that comes a step later", "[agents]") {
  const auto bandit = make_toy_simulator(std::make_shared<LadderModel>(1));
  const auto patience = make_toy_simulator(std::make_shared<PatienceModel>());
  for (const std::string algorithm : {"ppo", "a2c", "reinforce", "rwr"}) {
    CAPTURE(algorithm);
    ActorConfig config = small_actor(algorithm);
    const OnlineResult greedy = test::train_actor(bandit, config, {.seed = 4, .threads = 1});
    const OnlineResult patient = test::train_actor(patience, config, {.seed = 4, .threads = 1});
    if (testing::skips_quality()) continue;
    CHECK(greedy_return(bandit, config, greedy) > 0.66);     // the best of 5 is worth .68
    CHECK(greedy_return(patience, config, patient) > 1.05);  // 1.1 whenever an odd video is among the 5; greed earns .4
  }
  ActorConfig config = small_actor("ppo");
  config.discount = 0.0F;
  const OnlineResult hasty = test::train_actor(patience, config, {.seed = 4, .threads = 1});
  if (!testing::skips_quality()) CHECK(greedy_return(patience, config, hasty) < 0.5);
}

TEST_CASE("slates are learned by REINFORCE with the top-K correction", "[agents]") {
  // Two of five videos are watched a step. Without the correction the chance of the best one goes to 1 and the second
  // place is left to accident.
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(2));
  ActorConfig config = small_actor("reinforce");
  config.world.slate = 2;
  const OnlineResult trained = test::train_actor(simulator, config, {.seed = 5, .threads = 1});
  if (testing::skips_quality()) return;
  const double random = 2 * 0.375, best = greedy_return(simulator, config, trained);
  CHECK(best > 1.05);  // the two best of 5 random ones are worth .68 + .53
  CHECK(best > random);
}

bool same_actor(const OnlineResult& a, const OnlineResult& b) {
  ValueNetwork x = test::value_model(a).network, y = test::value_model(b).network;
  const auto p = x.parameters(), q = y.parameters();
  bool same = p.size() == q.size() && a.learner->details() == b.learner->details();
  for (std::size_t i = 0; same && i < p.size(); ++i) same = p[i]->value == q[i]->value;
  return same;
}

// Likes fall on every video alike; that is enough for constraints to be counted.
class LikedLadder final : public test::ToyModel {
 public:
  std::string_view name() const noexcept override { return "liked ladder"; }
  std::size_t state_size() const noexcept override { return 1; }
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
              std::span<Expectation> out, Scratch& scratch) const override {
    ToyModel::expect(shown, states, exposure, out, scratch);
    for (std::size_t i = 0; i < shown.size(); ++i)
      out[i].signal[1] = 0.5F - 0.1F * static_cast<float>(index_of(shown[i].video) % 4);
  }

 protected:
  float ratio(std::uint32_t video, const float*) const override { return static_cast<float>(video % 4) / 4.0F; }
  bool move_on(std::uint32_t, float* state) const override { return ++state[0] >= 3.0F; }
};

TEST_CASE("threads change no bit of an actor, and a resumed run ends as the unbroken one", "[agents]") {
  const auto checkpoint = std::filesystem::temp_directory_path() / "swipegym_test_actor_checkpoint.h5";
  const auto simulator = make_toy_simulator(std::make_shared<LikedLadder>());
  for (const std::string algorithm : {"ppo", "rcpo", "lagrangian", "cpo", "tscac"}) {
    CAPTURE(algorithm);
    std::filesystem::remove(checkpoint);
    ActorConfig config = small_actor(algorithm);
    config.round_steps = 2 * 768;
    config.env_steps = 8 * 768;
    config.auxiliary_steps = 4 * 768;
    config.minibatch = 150;  // shards of 64, 64 and 22 rows
    config.constraints = {{.signal = "like", .at_least = 0.4}};
    if (algorithm == "lagrangian") config.multiplier.rule = "pid", config.average = 0.5;
    const OnlineResult whole = test::train_actor(simulator, config, {.seed = 9, .threads = 1});
    CHECK(same_actor(whole, test::train_actor(simulator, config, {.seed = 9, .threads = 3})));
    CHECK_FALSE(same_actor(whole, test::train_actor(simulator, config, {.seed = 10, .threads = 1})));

    for (const std::uint64_t stop : {3 * 768, 7 * 768}) {  // in tscac's first stage, and in its second
      if (testing::kSanitized && algorithm != "tscac" && stop > 3 * 768) continue;  // the same code once more
      OnlineRun run{.seed = 9, .threads = 1, .checkpoint = checkpoint, .checkpoint_rounds = 1};
      run.progress = [&](std::string_view, std::uint64_t done, std::uint64_t) {
        if (done > stop) throw Interrupted();
      };
      CHECK_THROWS_AS(test::train_actor(simulator, config, run), Interrupted);
      run.progress = {};
      run.resume = true;
      int rounds = 0;
      run.curve.add = [&](const Json&) { ++rounds; };
      const OnlineResult resumed = test::train_actor(simulator, config, run);
      CHECK(rounds < 4);
      CHECK(same_actor(whole, resumed));
    }
  }
  std::filesystem::remove(checkpoint);
}

TEST_CASE("TSCAC leans on its auxiliaries the more, the larger lambda is", "[agents]") {
  // What is watched longest is liked least. The more lambda, the more likes and the less watched.
  const auto simulator = make_toy_simulator(std::make_shared<LikedLadder>());
  std::vector<ActorEvaluation> worth;
  for (const double lambda : {0.1, 1.0, 50.0}) {
    ActorConfig config = small_actor("tscac");
    config.constraints = {{.signal = "like", .at_least = 0.4}};
    config.auxiliary_steps = testing::kSanitized ? 10 * 768 : 40 * 768;
    config.env_steps = 2 * config.auxiliary_steps;
    config.tscac_lambda = lambda;
    config.critic_rate = 5e-3;
    config.entropy = 0.3F;  // an auxiliary that excludes what it likes less could not be overruled
    const OnlineResult trained = test::train_actor(simulator, config, {.seed = 2, .threads = 1});
    worth.push_back(evaluate_actor(simulator, config, *trained.policy, Exploration::boltzmann(1.0F), 512, 1, 1));
  }
  if (testing::skips_quality()) return;
  CHECK(worth[0].rates[0] < worth[1].rates[0]);
  CHECK(worth[1].rates[0] < worth[2].rates[0]);
  CHECK(worth[0].video_reward > worth[1].video_reward);
  CHECK(worth[1].video_reward > worth[2].video_reward);
  CHECK(worth[0].video_reward > 0.6);  // the best of 5 is worth .68
  CHECK(worth[2].rates[0] > 0.4);      // uniform choice has .35, the most liked of 5 have .46
}

}  // namespace
}  // namespace swipegym
