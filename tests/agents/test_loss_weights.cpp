#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "agents/multitask/loss_weights.h"

namespace swipegym {
namespace {

constexpr std::array<double, 3> kHeadLoss = {0.7, 2.5, 0.02};

TEST_CASE("uncertainty weighs heads by its formula, and its gradients are the differences", "[agents]") {
  const std::array<double, 3> weight = {1.0, 0.5, 3.0};
  const std::array<float, 3> s = {0.25F, -1.5F, 0.75F};
  LossWeights weights({weight.begin(), weight.end()}, true);
  const auto set = [&](std::size_t head, float value) {
    weights.log_variance().value(0, static_cast<Eigen::Index>(head)) = value;
  };
  double expected = 0.0;
  for (std::size_t k = 0; k < 3; ++k) {
    set(k, s[k]);
    expected += weight[k] * (std::exp(-static_cast<double>(s[k])) * kHeadLoss[k] + static_cast<double>(s[k]));
  }
  CHECK(weights.total(kHeadLoss) == Approx(expected));
  const auto gradient = weights.log_variance().gradient();
  constexpr float kStep = 1.0F / 1024.0F;
  for (std::size_t k = 0; k < 3; ++k) {
    CAPTURE(k);
    set(k, s[k] + kStep);
    const double above = weights.total(kHeadLoss);
    set(k, s[k] - kStep);
    const double below = weights.total(kHeadLoss);
    set(k, s[k]);
    CHECK(gradient(0, static_cast<Eigen::Index>(k)) == Approx((above - below) / (2.0 * kStep)).epsilon(1e-4));
    // And by a loss, which is what the network's gradients are multiplied by.
    std::array<double, 3> more = kHeadLoss, less = kHeadLoss;
    more[k] += 1e-3, less[k] -= 1e-3;
    CHECK(weights.factor(k) == Approx((weights.total(more) - weights.total(less)) / 2e-3));
  }
}

TEST_CASE("a head's weight is settled where its loss is least, and fixed weights stay", "[agents]") {
  LossWeights weights({1.0, 0.5, 3.0}, true);
  for (std::size_t k = 0; k < 3; ++k) weights.settle(k, kHeadLoss[k]);
  weights.log_variance().zero_gradient();
  weights.total(kHeadLoss);
  for (Eigen::Index k = 0; k < 3; ++k) CHECK(weights.log_variance().gradient()(0, k) == Approx(0.0).margin(1e-6));

  LossWeights fixed({1.0, 0.5, 3.0}, false);
  CHECK(fixed.total(kHeadLoss) == Approx(0.7 + 1.25 + 0.06));
  CHECK(fixed.factor(2) == 3.0);
  CHECK(fixed.log_variance().gradient().isZero());
}

}  // namespace
}  // namespace swipegym
