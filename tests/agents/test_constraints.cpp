#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "agents/masked_softmax.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/cost_meter.h"
#include "agents/train_online.h"
#include "core/error.h"
#include "env/candidate_sources.h"
#include "tests/agents/toy_models.h"
#include "tests/parity/recorded.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

TEST_CASE("multipliers move as OmniSafe's do", "[agents]") {
  const Json recorded = test::read_recorded("multipliers.json");
  const auto costs = recorded.at("costs").get<std::vector<double>>();
  const auto bound = recorded.at("bound").get<double>();
  MultiplierConfig adam{.rule = "adam", .initial = 0.001, .limit = 0.5, .rate = 0.035};
  MultiplierConfig pid{.rule = "pid",
                       .initial = 0.001,
                       .limit = 100.0,
                       .proportional = 0.1,
                       .integral = 0.01,
                       .derivative = 0.01,
                       .smoothing = 0.95,
                       .delay = 10};
  for (const auto& [config, name] : {std::pair{adam, "adam"}, std::pair{pid, "pid"}}) {
    CAPTURE(name);
    Multiplier whole(config), first_half(config), second_half(config);
    for (std::size_t i = 0; i < costs.size(); ++i) {
      const double value = whole.update(costs[i], bound);
      CHECK(value == Approx(recorded.at(name).at(i).get<double>()).margin(1e-9));
      // A checkpoint in the middle changes nothing.
      if (i < 25) first_half.update(costs[i], bound);
      if (i == 25) second_half.set_state(first_half.state());
      if (i >= 25) CHECK(second_half.update(costs[i], bound) == value);
    }
  }
  Multiplier projected({.rule = "projected", .initial = 0.2, .limit = 1.0, .rate = 0.5});
  CHECK(projected.update(1.4, 1.0) == Approx(0.4));
  CHECK(projected.update(-1.0, 1.0) == 0.0);
  CHECK(projected.update(9.0, 1.0) == 1.0);
  Multiplier slower({.rule = "projected", .initial = 0.2, .limit = 1.0, .rate = 0.5, .final_rate = 0.1});
  CHECK(slower.update(1.4, 1.0, 0.5) == Approx(0.2 + 0.3 * 0.4));  // halfway between the rates
  for (const std::string rule : {"projected", "adam", "pid"}) {
    Multiplier held({.rule = rule, .initial = 0.2, .hold = 0.5}), fresh({.rule = rule, .initial = 0.2});
    CHECK(held.update(1.4, 1.0, 0.49) == 0.2);
    CHECK(held.state() == fresh.state());  // what was measured meanwhile leaves no trace
    CHECK(held.update(1.4, 1.0, 0.5) == fresh.update(1.4, 1.0, 0.5));
    CHECK(held.value() > 0.2);
  }
}

TEST_CASE("TSCAC's closed form is the constrained optimum found by search", "[agents]") {
  const std::size_t m = 4;
  const std::vector<float> auxiliary_log = {std::log(0.4F), std::log(0.3F), std::log(0.2F), std::log(0.1F),
                                            std::log(0.1F), std::log(0.1F), std::log(0.2F), std::log(0.6F)};
  const std::vector<double> lambda = {0.7, 0.4};
  const std::vector<float> advantage = {-0.6F, 0.9F, 0.2F, -0.5F};
  const std::vector<std::uint8_t> mask(m, 1);
  std::vector<float> target(m);
  tscac_target(auxiliary_log, lambda, advantage, mask, target);

  const auto gain = [&](const std::vector<double>& p) {
    return std::inner_product(p.begin(), p.end(), advantage.begin(), 0.0);
  };
  const auto distance = [&](const std::vector<double>& p, std::size_t i) {
    double sum = 0.0;
    for (std::size_t a = 0; a < m; ++a) sum += p[a] * (std::log(p[a]) - static_cast<double>(auxiliary_log[i * m + a]));
    return sum;
  };
  // What is maximised with multipliers, by mirror ascent from the uniform policy.
  std::vector<double> p(m, 1.0 / static_cast<double>(m));
  for (int step = 0; step < 20'000; ++step) {
    double total = 0.0;
    for (std::size_t a = 0; a < m; ++a) {
      double slope = static_cast<double>(advantage[a]);
      for (std::size_t i = 0; i < 2; ++i)
        slope -= lambda[i] * (std::log(p[a]) + 1.0 - static_cast<double>(auxiliary_log[i * m + a]));
      total += p[a] *= std::exp(0.01 * slope);
    }
    for (double& one : p) one /= total;
  }
  std::vector<double> closed(m);
  for (std::size_t a = 0; a < m; ++a) {
    closed[a] = std::exp(static_cast<double>(target[a]));
    CHECK(closed[a] == Approx(p[a]).margin(1e-5));
  }
  // And with the distances it has as bounds, no policy of a fine grid gains more within them.
  const double most[2] = {distance(closed, 0), distance(closed, 1)};
  double best = -1e9;
  const int n = 120;
  for (int i = 1; i < n; ++i)
    for (int j = 1; i + j < n; ++j)
      for (int k = 1; i + j + k < n; ++k) {
        const std::vector<double> q = {i / 120.0, j / 120.0, k / 120.0, (n - i - j - k) / 120.0};
        if (distance(q, 0) <= most[0] && distance(q, 1) <= most[1]) best = std::max(best, gain(q));
      }
  CHECK(best <= gain(closed) + 1e-6);
  CHECK(best > gain(closed) - 0.02);  // the grid comes near

  // A masked video has no chance, and a large multiplier clones the auxiliary.
  const std::vector<std::uint8_t> some = {1, 0, 1, 1};
  tscac_target(std::span(auxiliary_log).first(m), std::vector<double>{1e6}, advantage, some, target);
  CHECK(std::exp(target[0]) == Approx(0.4 / 0.7));
  CHECK(std::exp(target[1]) == 0.0);
}

/// Sessions of one video; its index mod 4 says how long it is watched and how likely it is liked.
class TradeModel final : public test::ToyModel {
 public:
  static constexpr float kRatio[4] = {0.0F, 0.25F, 0.5F, 0.75F};
  static constexpr float kLike[4] = {0.5F, 0.3F, 0.2F, 0.0F};
  std::string_view name() const noexcept override { return "trade"; }
  std::size_t state_size() const noexcept override { return 1; }
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
              std::span<Expectation> out, Scratch& scratch) const override {
    ToyModel::expect(shown, states, exposure, out, scratch);
    for (std::size_t i = 0; i < shown.size(); ++i)
      out[i].signal[static_cast<std::size_t>(Signal::kLike)] = kLike[index_of(shown[i].video) % 4];
  }

 protected:
  float ratio(std::uint32_t video, const float*) const override { return kRatio[video % 4]; }
  bool move_on(std::uint32_t, float*) const override { return true; }
};

ActorConfig trade_config(const std::string& algorithm) {
  ActorConfig config = actor_defaults(algorithm);
  config.world.candidates = 4;
  config.num_envs = 128;
  config.world.history_length = 4;
  config.world.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
  config.rollout_steps = 8;  // half of them only begin anew
  config.round_steps = 10 * 1024;
  config.env_steps = testing::kSanitized ? 10 * 1024 : 240 * 1024;
  config.reward_scale = 1.0F;
  config.discount = 0.0F;
  // Nothing is random here but the choice, so advantages keep their unit; the entropy bonus keeps every video in sight.
  config.standardise = false;
  config.entropy = 0.08F;
  config.multiplier.rate = 0.005;
  config.final_learning_rate = config.learning_rate;
  config.multiplier.proportional = 0.1, config.multiplier.integral = 0.01;
  config.constraints = {{.signal = "like", .at_least = 0.1}};
  return config;
}

// Where rate and reward settle: the policy that is best with an entropy bonus of weight t under a multiplier l chooses
// with chances proportional to exp((r - l c) / t), or / (t (1 + l)) where advantages are divided by 1 + l, and l is
// what makes the rate meet its bound.
struct Settled {
  double multiplier, reward;
};
Settled settled(double bound, double entropy, bool divided) {
  const auto measure = [&](double l, const float* response) {
    double total = 0.0, sum = 0.0;
    for (int a = 0; a < 4; ++a) {
      const double cost = 1.0 - static_cast<double>(TradeModel::kLike[a]) / bound;
      const double value = static_cast<double>(TradeModel::kRatio[a]) - l * cost;
      const double weight = std::exp(value / (entropy * (divided ? 1.0 + l : 1.0)));
      total += weight, sum += weight * static_cast<double>(response[a]);
    }
    return sum / total;
  };
  double low = 0.0, high = 1.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (measure(middle, TradeModel::kLike) < bound ? low : high) = middle;
  }
  return {low, measure(low, TradeModel::kRatio)};
}

TEST_CASE("Lagrangian, RCPO and CPO policies reach the constrained optimum of a bandit that has one", "[agents]") {
  // Watched to 0, 1/4, 1/2, 3/4; liked with .5, .3, .2, 0. At least .1 likes a video: showing the last two halfway each
  // earns .625, and no mixture earns more (the last with the first: .6; with the second: .583). The entropy bonus takes
  // a little of that.
  const auto simulator = test::make_toy_simulator(std::make_shared<TradeModel>());
  // A uniform choice gets .25 likes a video, so that .1 of them is .4 of its.
  const std::vector<std::tuple<std::string, std::string, std::string, double>> methods = {
      {"lagrangian", "adam", "many", 1.0},
      {"lagrangian", "pid", "many", 1.0},
      {"rcpo", "projected", "one", 1.0},
      {"lagrangian", "adam", "many", 0.25},
      {"cpo", "fixed", "many", 1.0}};
  for (const auto& [algorithm, rule, critics, unit] : methods) {
    CAPTURE(algorithm, rule, unit);
    ActorConfig config = trade_config(algorithm);
    config.constraints[0].relative = unit < 1.0;
    config.constraints[0].at_least = 0.1 / unit;
    config.multiplier.rule = rule;
    config.critics = critics;
    if (algorithm == "cpo") config.env_steps /= 3, config.trust_region.fisher_rows = 64;
    check(config);
    ActorLearner learner(simulator, config, 3, 1);
    VectorEnvConfig world = make_training_env(simulator, config, 1).config();
    VectorEnv env(simulator, std::make_shared<FixedCandidates>(std::vector<std::int32_t>{40, 41, 42, 43}), world);
    train_online(learner, env, {.seed = 3, .env_steps = config.env_steps, .round_steps = config.round_steps});
    if (testing::skips_quality()) continue;
    // The policy swings around the optimum; its average is judged.
    double reward = 0.0, rate = 0.0, multiplier = 0.0;
    const auto& reports = learner.reports();
    const std::size_t half = reports.size() / 2;
    for (std::size_t i = half; i < reports.size(); ++i) {
      reward += reports[i].reward / static_cast<double>(reports.size() - half);
      rate += unit * reports[i].rates[0] / static_cast<double>(reports.size() - half);
      multiplier += reports[i].multipliers[0] / static_cast<double>(reports.size() - half);
    }
    const Settled optimum = settled(0.1, static_cast<double>(config.entropy), algorithm == "lagrangian");
    CHECK(optimum.reward == Approx(0.6).margin(0.025));
    CHECK(rate == Approx(0.1).margin(0.01));
    CHECK(reward == Approx(optimum.reward).margin(0.02));
    CHECK(multiplier == Approx(optimum.multiplier).epsilon(0.15));
  }
}

TEST_CASE("what a policy is given is its expectation over the candidates, and units are not a rollout's own",
          "[agents]") {
  const auto simulator = test::make_toy_simulator(std::make_shared<TradeModel>());
  ActorConfig config = trade_config("lagrangian");
  config.constraints[0].relative = true;
  const Constraint constraint = parse_constraints(config)[0];
  const auto actor = make_value_actor(*simulator, config, "toy", 1, network_settings(config, 1));
  const StateEncoder encoder(config.encoder, actor->items());
  Rollout rollout(encoder, {.envs = 1, .steps = 3, .slots = 2, .costs = 2, .signals = 1, .threads = 1});
  rollout.valid = {1, 1, 0};
  rollout.signal = {0.2F, 0.4F, 0.06F, 0.02F, 9.0F, 9.0F};
  rollout.cost = {0.2F, 0.02F, 9.0F, /*against*/ 0.3F, 0.04F, 9.0F};  // chosen: the first, then the second
  const SignalMeans drawn = signal_means(rollout)[0];
  CHECK(drawn.given == Approx(0.11));
  CHECK(drawn.against == Approx(0.17));
  const std::vector<float> log_prob = {std::log(0.25F), std::log(0.75F), std::log(0.5F), std::log(0.5F), 0.0F, 0.0F};
  const SignalMeans expected = signal_means(rollout, log_prob)[0];
  CHECK(expected.given == Approx(0.5 * (0.35 + 0.04)));
  CHECK(expected.rate() == Approx(0.195 / 0.17));
  std::vector<float> excess(3);
  excess_of(rollout, constraint, 0, 0.5, excess);  // at least .1 times a uniform choice's
  CHECK(excess[0] == Approx(-(0.2 / 0.1 - 0.3) / 0.5));
  CHECK(excess[1] == Approx(-(0.02 / 0.1 - 0.04) / 0.5));
}

TEST_CASE("without a multiplier the same bandit's bound is broken, and alone a response reaches its best", "[agents]") {
  const auto simulator = test::make_toy_simulator(std::make_shared<TradeModel>());
  for (const std::string objective : {"main", "like"}) {
    ActorConfig config = trade_config("ppo");
    config.env_steps /= 3;
    config.objective = objective;
    ActorLearner learner(simulator, config, 3, 1);
    VectorEnv env(simulator, std::make_shared<FixedCandidates>(std::vector<std::int32_t>{40, 41, 42, 43}),
                  make_training_env(simulator, config, 1).config());
    train_online(learner, env, {.seed = 3, .env_steps = config.env_steps, .round_steps = config.round_steps});
    if (testing::skips_quality()) continue;
    if (objective == "main") {
      CHECK(learner.reports().back().reward > 0.72);
      CHECK(learner.reports().back().rates[0] < 0.02);
    } else {
      CHECK(learner.reports().back().rates[0] > 0.47);
    }
  }
}

TEST_CASE("two bounds of one signal are two figures", "[agents]") {
  const std::vector<ActorReport> reports = {{.env_steps = 1, .rates = {0.1, 0.2}, .multipliers = {3.0, 4.0}}};
  const std::vector<ConstraintConfig> band = {{.signal = "like", .at_least = 0.1}, {.signal = "like", .at_most = 0.3}};
  std::map<std::string, double> value;
  for (const AgentFigure& figure : figures_of(reports, band, 0, 1)) value[figure.name] = figure.value;
  CHECK(value.at("multipliers.like") == 3.0);
  CHECK(value.at("multipliers.like.2") == 4.0);
  CHECK(value.at("rates.like.2") == 0.2);
}

TEST_CASE("constraints that make no sense are named", "[agents]") {
  ActorConfig config = actor_defaults("lagrangian");
  CHECK_NOTHROW(check(config));
  config.constraints = {{.signal = "likes", .at_least = 0.1}};
  CHECK_THROWS_WITH(check(config), Catch::Contains("likes") && Catch::Contains("is_like"));
  config.constraints = {{.signal = "like"}};
  CHECK_THROWS_WITH(check(config), Catch::Contains("at_least") && Catch::Contains("at_most"));
  config.constraints = {{.signal = "like", .at_least = 0.1, .at_most = 0.2}};
  CHECK_THROWS_WITH(check(config), Catch::Contains("one of them"));
  config.constraints.clear();
  CHECK_THROWS_WITH(check(config), Catch::Contains("constraints"));
  CHECK_THROWS_WITH(actor_defaults("pppo"), Catch::Contains("pppo") && Catch::Contains("tscac"));
  config = actor_defaults("ppo");
  config.round_steps = 1000;
  CHECK_THROWS_WITH(check(config), Catch::Contains("round_steps") && Catch::Contains("1000"));
  config = actor_defaults("lagrangian");
  config.multiplier.rule = "magic";
  CHECK_THROWS_WITH(check(config), Catch::Contains("multiplier.rule") && Catch::Contains("magic"));
}

}  // namespace
}  // namespace swipegym
