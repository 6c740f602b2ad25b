#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "core/random_draws.h"
#include "policy/bandit/arm_scores.h"
#include "policy/bandit/linear_arms.h"
#include "policy/bandit/slate.h"
#include "tests/parity/recorded.h"

// What MABWiser chose on shared tables of rewards, and its regret over streams of its own (tests/parity/bandits.py).
namespace swipegym {
namespace {

using Numbers = std::vector<double>;

std::uint32_t first_best(const Numbers& scores) {
  SlateRoom room;
  std::uint32_t place = 0;
  best_slate(scores, {}, room, std::span(&place, 1));
  return place;
}

// Plays a table of rewards, a text of 0 and 1 an arm: one show of each arm, then choose(arms, step).
template <class Choose>
std::string play_table(const std::vector<std::string>& rewards, const Choose& choose) {
  BetaArms arms;
  arms.add(rewards.size());
  const auto show = [&](std::uint32_t arm, std::size_t step) {
    const float success = rewards[arm][step] == '1' ? 1.0F : 0.0F;
    arms.update(std::span(&arm, 1), std::span(&success, 1));
  };
  for (std::uint32_t arm = 0; arm < rewards.size(); ++arm) show(arm, 0);
  std::string chosen;
  for (std::size_t step = 1; step < rewards[0].size(); ++step) {
    const std::uint32_t arm = choose(arms, step);
    chosen += static_cast<char>('0' + arm);
    show(arm, step);
  }
  return chosen;
}

std::uint32_t by_ucb1(const BetaArms& arms, double width) {
  Numbers scores(arms.size());
  score_ucb1(arms, arms.live(), std::accumulate(arms.shows().begin(), arms.shows().end(), 0.0), width, scores);
  return first_best(scores);
}

/// Mean regret of streams at two steps, beside the recorded one, in standard errors of the difference.
struct RegretSums {
  Numbers sum{0.0, 0.0}, squares{0.0, 0.0};
  int streams = 0;
  void add(const Numbers& regret, const std::vector<std::size_t>& at) {
    ++streams;
    for (std::size_t i = 0; i < 2; ++i)
      sum[i] += regret[at[i] - 1], squares[i] += regret[at[i] - 1] * regret[at[i] - 1];
  }
  void compare(const Json& recorded) const {
    for (std::size_t i = 0; i < 2; ++i) {
      const double mean = sum[i] / streams, variance = (squares[i] / streams - mean * mean) / (streams - 1);
      const double error = recorded.at("error")[i].get<double>(), peer = recorded.at("mean")[i].get<double>();
      CAPTURE(i, mean, peer, std::sqrt(variance), error);
      INFO("z " << (mean - peer) / std::sqrt(variance + error * error));
      CHECK(std::abs(mean - peer) < 4.0 * std::sqrt(variance + error * error));
    }
  }
};

std::vector<std::size_t> checkpoints(const Json& recorded) {
  return recorded.at("at").get<std::vector<std::size_t>>();
}

template <class Choose>
RegretSums bernoulli_regret(const Json& all, const Json& recorded, std::uint64_t seed, const Choose& choose) {
  const auto rates = all.at("rates").get<Numbers>();
  const std::vector<std::size_t> at = checkpoints(recorded);
  const double best = *std::max_element(rates.begin(), rates.end());
  RegretSums sums;
  for (std::uint64_t stream = 0; stream < 500; ++stream) {
    const RandomKey key = split(make_key(seed), stream);
    std::vector<std::string> rewards(rates.size(), std::string(at.back() + 1, '0'));
    for (std::uint32_t arm = 0; arm < rates.size(); ++arm) {
      RandomStream random(split(key, 1), arm);
      for (char& reward : rewards[arm]) reward = random.uniform_double() < rates[arm] ? '1' : '0';
    }
    double lost = 0.0;
    Numbers regret;
    for (const char arm : play_table(
             rewards, [&](const BetaArms&arms, std::size_t step) { return choose(arms, split(split(key, 2), step)); }))
      regret.push_back(lost += best - rates[static_cast<std::size_t>(arm - '0')]);
    sums.add(regret, at);
  }
  return sums;
}

Numbers linear_rates(const std::vector<Numbers>& theta, const Numbers& x) {
  Numbers rates;
  for (const Numbers& weights : theta)
    rates.push_back(std::clamp(std::inner_product(x.begin(), x.end(), weights.begin(), 0.5), 0.02, 0.98));
  return rates;
}

}  // namespace

TEST_CASE("greedy and UCB1 choose as MABWiser's do, at every step", "[policy][bandit][parity]") {
  const Json recorded = test::read_recorded("bandits.json");
  std::size_t steps = 0;
  for (const Json& stream : recorded.at("shared")) {
    const auto rewards = stream.at("rewards").get<std::vector<std::string>>();
    CHECK(play_table(rewards, [](const BetaArms& arms, std::size_t) {
            Numbers scores(arms.size());
            score_rates(arms, arms.live(), 0.0, scores);
            return first_best(scores);
          }) == stream.at("greedy").get<std::string>());
    CHECK(play_table(rewards, [](const BetaArms& arms, std::size_t) { return by_ucb1(arms, 1.0); }) ==
          stream.at("ucb1").get<std::string>());
    CHECK(play_table(rewards, [](const BetaArms& arms, std::size_t) { return by_ucb1(arms, 0.25); }) ==
          stream.at("ucb1_quarter").get<std::string>());
    steps += stream.at("ucb1").get<std::string>().size();
  }
  CHECK(steps == 3600);
}

TEST_CASE("LinUCB chooses as MABWiser's does, at every step", "[policy][bandit][parity]") {
  const Json recorded = test::read_recorded("bandits.json").at("shared_linear");
  const auto rewards = recorded.at("rewards").get<std::vector<std::string>>();
  const auto thousandths = recorded.at("contexts").get<Numbers>();
  const std::size_t arms = rewards.size(), features = thousandths.size() / rewards[0].size();
  LinearArms linear({.features = features, .ridge = 1.0});
  linear.add(arms);
  std::vector<std::uint32_t> list(arms);
  std::iota(list.begin(), list.end(), 0U);
  std::string chosen;
  for (std::size_t step = 0; step < rewards[0].size(); ++step) {
    Numbers x(features), scores(arms);
    for (std::size_t j = 0; j < features; ++j) x[j] = thousandths[step * features + j] / 1000.0;
    auto arm = static_cast<std::uint32_t>(step);
    if (step >= arms) {
      linear.score_arms(list, x, recorded.at("width").get<double>(), scores);
      arm = first_best(scores);
      chosen += static_cast<char>('0' + arm);
    }
    linear.update(arm, x, rewards[arm][step] == '1' ? 1.0 : 0.0);
  }
  CHECK(chosen.size() == 400);
  CHECK(chosen == recorded.at("linucb").get<std::string>());
}

TEST_CASE("the regret of epsilon-greedy and Thompson is MABWiser's", "[policy][bandit][parity]") {
  const Json recorded = test::read_recorded("bandits.json");
  const double epsilon = recorded.at("epsilon").get<double>();
  const auto epsilon_greedy = [&](const BetaArms& arms, RandomKey key) {
    Numbers scores(arms.size());
    score_rates(arms, arms.live(), 0.0, scores);
    // MABWiser breaks ties by the arms' order; these few-armed rates tie often at first.
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] -= 1e-12 * static_cast<double>(i);
    SlateRoom room;
    std::uint32_t place = 0;
    epsilon_slate(scores, epsilon, EpsilonShare::kDrawn, key, room, std::span(&place, 1));
    return place;
  };
  const auto thompson = [](const BetaArms& arms, RandomKey key) {
    Numbers scores(arms.size());
    score_thompson(arms, arms.live(), key, scores);
    return first_best(scores);
  };
  bernoulli_regret(recorded, recorded.at("epsilon_greedy"), 31, epsilon_greedy).compare(recorded.at("epsilon_greedy"));
  bernoulli_regret(recorded, recorded.at("thompson"), 32, thompson).compare(recorded.at("thompson"));
}

TEST_CASE("the regret of LinUCB is MABWiser's", "[policy][bandit][parity]") {
  const Json recorded = test::read_recorded("bandits.json");
  const auto theta = recorded.at("theta").get<std::vector<Numbers>>();
  const std::vector<std::size_t> at = checkpoints(recorded.at("linucb"));
  const std::size_t arms = theta.size(), features = theta[0].size();
  std::vector<std::uint32_t> list(arms);
  std::iota(list.begin(), list.end(), 0U);
  RegretSums sums;
  for (std::uint32_t stream = 0; stream < 200; ++stream) {
    LinearArms linear({.features = features, .ridge = 1.0});
    linear.add(arms);
    RandomStream random(make_key(33), stream);
    double lost = 0.0;
    Numbers regret;
    for (std::size_t step = 0; step < at.back() + arms; ++step) {
      Numbers x, scores(arms);
      while (x.size() < features) x.push_back(draw_normal_pair(random)[0]);
      const Numbers rates = linear_rates(theta, x);
      auto arm = static_cast<std::uint32_t>(step);
      if (step >= arms) {
        linear.score_arms(list, x, recorded.at("width").get<double>(), scores);
        arm = first_best(scores);
        regret.push_back(lost += *std::max_element(rates.begin(), rates.end()) - rates[arm]);
      }
      linear.update(arm, x, random.uniform_double() < rates[arm] ? 1.0 : 0.0);
    }
    sums.add(regret, at);
  }
  sums.compare(recorded.at("linucb"));
}

}  // namespace swipegym
