#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <vector>

#include "agents/masked_softmax.h"
#include "agents/policy_gradient/policy_loss.h"

namespace swipegym {
namespace {

TEST_CASE("advantages are those computed by hand, across ends, cuts and fresh starts", "[agents]") {
  // Two envs side by side, four steps each, discount .9, lambda .5. Env 0 terminates at step 1, env 1 is cut there;
  // step 2 is no step but a fresh start; step 3 is the last one gathered.
  const std::vector<float> reward = {1, 1, 2, 2, 3, 3, 4, 4};
  const std::vector<float> value = {0.5F, 0.5F, 0.4F, 0.4F, 0.3F, 0.3F, 0.2F, 0.2F, 0.1F, 0.1F};
  const std::vector<std::uint8_t> valid = {1, 1, 1, 1, 0, 0, 1, 1};
  const std::vector<std::uint8_t> terminated = {0, 0, 1, 0, 0, 0, 0, 0};
  const std::vector<std::uint8_t> truncated = {0, 0, 0, 1, 0, 0, 0, 0};
  std::vector<float> advantage(8);
  const auto advantages = [&](const std::vector<float>& stays) {
    generalised_advantages({.steps = 4,
                            .envs = 2,
                            .reward = reward,
                            .value = value,
                            .valid = valid,
                            .stays = stays,
                            .terminated = terminated,
                            .truncated = truncated,
                            .discount = 0.9F,
                            .lambda = 0.5F},
                           advantage);
  };
  advantages({1, 1, 0, 1, 1, 1, 1, 1});
  const std::vector<double> by_hand = {0.86 + 0.45 * 1.6,
                                       0.86 + 0.45 * 1.87,  // 1 + .9 * .4 - .5, and what comes after
                                       1.6,
                                       1.87,  // 2 - .4; the cut one goes on with .9 * .3
                                       0.0,
                                       0.0,
                                       3.89,
                                       3.89};  // 4 + .9 * .1 - .2
  for (std::size_t i = 0; i < 8; ++i) CHECK(static_cast<double>(advantage[i]) == Approx(by_hand[i]));

  // Where users stay by chance, a future counts for that much, also that of a step which happened to be the last.
  advantages({0.5F, 1, 0.5F, 1, 1, 1, 1, 1});
  CHECK(advantage[2] == Approx(2.0 + 0.45 * 0.3 - 0.4));
  CHECK(advantage[0] == Approx(1.0 + 0.45 * 0.4 - 0.5 + 0.225 * (2.0 + 0.45 * 0.3 - 0.4)));
  advantages({1, 1, 0, 1, 1, 1, 1, 1});

  // A user who comes back at once is in another state then than the one that the step led to.
  const std::vector<float> led_to = {0.4F, 0.4F, 9.0F, 0.3F, 0.2F, 0.2F, 0.1F, 0.1F};
  generalised_advantages({.steps = 4,
                          .envs = 2,
                          .reward = reward,
                          .value = value,
                          .next_value = led_to,
                          .valid = std::vector<std::uint8_t>(8, 1),
                          .stays = std::vector<float>{1, 1, 0.5F, 1, 1, 1, 1, 1},
                          .terminated = terminated,
                          .truncated = truncated,
                          .discount = 0.9F,
                          .lambda = 0.5F},
                         advantage);
  CHECK(advantage[2] == Approx(2.0 + 0.45 * 9.0 - 0.4));
  CHECK(advantage[4] == Approx(3.0 + 0.9 * 0.2 - 0.3 + 0.45 * 3.89));
  advantages({1, 1, 0, 1, 1, 1, 1, 1});

  CHECK(standardise(valid, advantage) > 0.0);
  double sum = 0.0, square = 0.0;
  for (std::size_t i = 0; i < 8; ++i) {
    if (!valid[i]) continue;
    sum += static_cast<double>(advantage[i]), square += static_cast<double>(advantage[i] * advantage[i]);
  }
  CHECK(sum == Approx(0.0).margin(1e-5));
  CHECK(square / 6.0 == Approx(1.0));
  CHECK(advantage[4] == 0.0F);
}

std::vector<double> softmax(const std::vector<float>& scores) {
  std::vector<double> chance;
  double total = 0.0;
  for (const float score : scores) total += chance.emplace_back(std::exp(static_cast<double>(score)));
  for (double& one : chance) one /= total;
  return chance;
}

std::vector<float> log_probs(const std::vector<float>& scores) {
  std::vector<float> out(scores.size());
  const std::vector<std::uint8_t> mask(scores.size(), 1);
  log_softmax(scores, mask, out);
  return out;
}

// A decision process small enough to say everything: three actions in state 0 lead to states 1, 2 and 2 with a reward,
// three actions there end it with another.
struct TwoSteps {
  std::vector<std::vector<float>> scores = {{0.3F, -0.2F, 0.1F}, {0.0F, 0.5F, -0.4F}, {0.2F, 0.2F, -0.7F}};
  static constexpr double kFirst[3] = {0.5, -0.3, 0.2};
  static constexpr double kSecond[3][3] = {{}, {1.0, -2.0, 0.3}, {0.1, 2.5, -1.0}};
  static std::size_t next(std::size_t action) { return action == 0 ? 1 : 2; }

  double objective() const {
    double sum = 0.0;
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b)
        sum += softmax(scores[0])[a] * softmax(scores[next(a)])[b] * (kFirst[a] + kSecond[next(a)][b]);
    return sum;
  }
};

TEST_CASE("the expected policy gradient is the finite difference of the exact objective", "[agents]") {
  TwoSteps world;
  // Any baseline may be subtracted; the expectation of what it adds is 0.
  for (const auto kind : {PolicyLoss::Kind::kReinforce, PolicyLoss::Kind::kClipped}) {
    std::vector<std::vector<double>> gradient(3, std::vector<double>(3, 0.0));
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b) {
        const std::size_t then = TwoSteps::next(a);
        const double chance = softmax(world.scores[0])[a] * softmax(world.scores[then])[b];
        const std::vector<float> reward = {static_cast<float>(TwoSteps::kFirst[a]),
                                           static_cast<float>(TwoSteps::kSecond[then][b])};
        const std::vector<float> value = {0.7F, then == 1 ? -0.4F : 1.3F, 9.0F};
        const std::vector<std::uint8_t> valid = {1, 1}, terminated = {0, 1}, truncated = {0, 0};
        const std::vector<float> stays = {1.0F, 0.0F};
        std::vector<float> advantage(2);
        generalised_advantages({.steps = 2,
                                .envs = 1,
                                .reward = reward,
                                .value = value,
                                .valid = valid,
                                .stays = stays,
                                .terminated = terminated,
                                .truncated = truncated,
                                .discount = 1.0F,
                                .lambda = 1.0F},
                               advantage);
        const std::size_t states[2] = {0, then}, actions[2] = {a, b};
        for (std::size_t step = 0; step < 2; ++step) {
          const std::vector<float> log_prob = log_probs(world.scores[states[step]]);
          const auto action = static_cast<std::int32_t>(actions[step]);
          std::vector<float> d(3);
          policy_loss({.kind = kind}, {log_prob, log_prob, {&action, 1}, advantage[step]}, d);
          for (std::size_t j = 0; j < 3; ++j) gradient[states[step]][j] -= chance * static_cast<double>(d[j]);
        }
      }
    for (std::size_t state = 0; state < 3; ++state)
      for (std::size_t j = 0; j < 3; ++j) {
        float& score = world.scores[state][j];
        const float centre = score;
        score = centre + 1e-3F;
        const double above = world.objective();
        score = centre - 1e-3F;
        const double below = world.objective();
        score = centre;
        CHECK(gradient[state][j] == Approx((above - below) / 2e-3).margin(2e-4));
      }
  }
}

// Differences of a loss of one state's scores.
void check_slopes(const PolicyLoss& how, std::vector<float> scores, const std::vector<float>& old_log_prob,
                  std::vector<std::int32_t> actions, float advantage) {
  std::vector<float> d(scores.size()), unused(scores.size());
  policy_loss(how, {log_probs(scores), old_log_prob, actions, advantage}, d);
  for (std::size_t j = 0; j < scores.size(); ++j) {
    std::vector<float> above = scores, below = scores;
    above[j] += 5e-3F, below[j] -= 5e-3F;
    const std::vector<float> high = log_probs(above), low = log_probs(below);
    const double rise = policy_loss(how, {high, old_log_prob, actions, advantage}, unused).loss -
                        policy_loss(how, {low, old_log_prob, actions, advantage}, unused).loss;
    CHECK(static_cast<double>(d[j]) == Approx(rise / 1e-2).margin(2e-4));
  }
}

TEST_CASE("clipped and regression losses and the entropy have the slopes of their own differences", "[agents]") {
  const std::vector<float> scores = {0.4F, -0.3F, 0.8F, 0.0F};
  const std::vector<float> old = log_probs({0.1F, -0.2F, 0.5F, 0.3F});
  for (const float advantage : {1.5F, -0.8F}) {
    check_slopes({.kind = PolicyLoss::Kind::kClipped, .clip = 0.5F, .entropy = 0.3F}, scores, old, {2}, advantage);
    check_slopes({.kind = PolicyLoss::Kind::kRegression, .entropy = 0.1F, .regression_beta = 0.7F}, scores, old, {1},
                 advantage);
  }
  // Beyond the clip nothing pulls: the second action has become 1.4 times as likely, and is not made likelier still.
  std::vector<float> d(2);
  const std::vector<float> even = log_probs({0.0F, 0.0F}), tilted = log_probs({0.0F, std::log(7.0F / 3.0F)});
  const std::vector<std::int32_t> second = {1};
  policy_loss({.clip = 0.2F}, {tilted, even, second, 1.0F}, d);
  CHECK(d == std::vector<float>{0.0F, 0.0F});
  policy_loss({.clip = 0.2F}, {tilted, even, second, -1.0F}, d);
  CHECK(d[1] == Approx(1.4 * 0.3));  // but less likely at any time: q A d log p(a) / d z = 1.4 (1 - .7)
}

TEST_CASE("the top-K off-policy correction climbs the chance of being in the slate", "[agents]") {
  // Logged by another policy b, one action each; the slate draws K times from p, so video a is in it with chance
  // 1 - (1 - p(a))^K (Chen et al. 2019). The expectation over b of the corrected gradient is the gradient of
  // sum_a r(a) (1 - (1 - p(a))^K).
  const std::vector<float> scores = {0.5F, 0.1F, -0.6F}, log_prob = log_probs(scores);
  const std::vector<float> behaviour = log_probs({-0.4F, 0.2F, 0.3F});
  const std::vector<float> reward = {1.0F, 0.9F, 0.2F};
  for (const std::size_t k : {1UL, 2UL, 5UL}) {
    const auto value = [&](const std::vector<float>& z) {
      double sum = 0.0;
      const std::vector<double> chance = softmax(z);
      for (std::size_t a = 0; a < 3; ++a)
        sum += static_cast<double>(reward[a]) * (1.0 - std::pow(1.0 - chance[a], static_cast<double>(k)));
      return sum;
    };
    std::vector<double> gradient(3, 0.0);
    for (std::size_t a = 0; a < 3; ++a) {
      const auto action = static_cast<std::int32_t>(a);
      std::vector<float> d(3);
      policy_loss({.kind = PolicyLoss::Kind::kReinforce, .importance_cap = 100.0F, .slate = k},
                  {log_prob, behaviour, {&action, 1}, reward[a]}, d);
      for (std::size_t j = 0; j < 3; ++j)
        gradient[j] -= std::exp(static_cast<double>(behaviour[a])) * static_cast<double>(d[j]);
    }
    for (std::size_t j = 0; j < 3; ++j) {
      std::vector<float> above = scores, below = scores;
      above[j] += 1e-3F, below[j] -= 1e-3F;
      CHECK(gradient[j] == Approx((value(above) - value(below)) / 2e-3).margin(2e-4));
    }
  }
}

}  // namespace
}  // namespace swipegym
