#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "agents/masked_softmax.h"
#include "agents/policy_gradient/fisher_product.h"
#include "agents/policy_gradient/trust_region.h"
#include "env/candidate_sources.h"
#include "policy/state_encoder.h"
#include "tests/agents/toy_models.h"

namespace swipegym {
namespace {

using Vec = Eigen::VectorXd;
using Mat = Eigen::MatrixXd;

// max g.x with B^T x + c <= 0 and x.H x / 2 <= radius.
struct Problem {
  Mat curvature, cost;
  Vec gain, excess;
  double radius = 0.01;
};

Problem random_problem(int size, int bounds, std::uint64_t seed) {
  RandomStream random(split(make_key(seed), Draw::kBatch));
  const auto normal = [&](int rows, int columns) {
    Mat out(rows, columns);
    for (double& one : out.reshaped()) one = (2.0 * random.uniform() - 1.0);
    return out;
  };
  const Mat root = normal(size, size);
  Problem problem{.curvature = root * root.transpose() + 0.1 * Mat::Identity(size, size),
                  .cost = normal(size, bounds),
                  .gain = normal(size, 1),
                  .excess = 0.3 * normal(bounds, 1)};
  return problem;
}

struct Answer {
  TrustRegionStep step;
  Vec x;
};
Answer answer_of(const Problem& p) {
  const Mat inverse = p.curvature.inverse();
  const Mat square = p.cost.transpose() * inverse * p.cost;
  const Vec mixed = p.cost.transpose() * inverse * p.gain;
  TrustRegion region{.gain = p.gain.dot(inverse * p.gain),
                     .gain_cost = {mixed.begin(), mixed.end()},
                     .cost_cost = {square.data(), square.data() + square.size()},
                     .excess = {p.excess.begin(), p.excess.end()},
                     .radius = p.radius};
  Answer out{.step = constrained_step(region), .x = {}};
  out.x = out.step.along_gain * (inverse * p.gain);
  for (Eigen::Index i = 0; i < p.excess.size(); ++i)
    out.x += out.step.along_cost[static_cast<std::size_t>(i)] * (inverse * p.cost.col(i));
  return out;
}

// CPO's closed form for one bound as the paper has it: of a loss whose gradient is -g.
Vec published_step(const Problem& p) {
  const Mat inverse = p.curvature.inverse();
  const Vec loss = -p.gain, along_loss = inverse * loss, along_cost = inverse * p.cost.col(0);
  const double q = loss.dot(along_loss), r = loss.dot(along_cost), s = p.cost.col(0).dot(along_cost);
  const double c = p.excess(0), a = q - r * r / s, b = 2.0 * p.radius - c * c / s;
  if (b < 0.0 && c < 0.0) return -std::sqrt(2.0 * p.radius / q) * along_loss;  // the bound is out of reach
  if (b < 0.0) return -std::sqrt(2.0 * p.radius / s) * along_cost;             // and so is keeping it
  // lambda where the bound binds, lambda c > r, and where it does not.
  const double edge = std::max(r / c, 0.0), inf = 1e300;
  const bool above = c > 0.0;
  const double binds = std::clamp(std::sqrt(a / b), above ? edge : 0.0, above ? inf : edge);
  const double free = std::clamp(std::sqrt(q / (2.0 * p.radius)), above ? 0.0 : edge, above ? edge : inf);
  const double of_binds = binds > 0.0 ? -0.5 * (a / binds + b * binds) - r * c / s : -inf;
  const double of_free = free > 0.0 ? -0.5 * (q / free + 2.0 * p.radius * free) : -inf;
  const double lambda = of_binds >= of_free ? binds : free;
  return -(along_loss + std::max(0.0, lambda * c - r) / s * along_cost) / lambda;
}

TEST_CASE("a step under one bound is CPO's published closed form", "[agents]") {
  int recoveries = 0, binding = 0, free = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Problem p = random_problem(4, 1, seed);
    const Answer own = answer_of(p);
    const Vec published = published_step(p);
    CAPTURE(seed, own.x.transpose(), published.transpose());
    CHECK((own.x - published).norm() <= 1e-5 * (1e-3 + published.norm()));
    if (own.step.recovers)
      ++recoveries;
    else
      ++(own.step.multipliers[0] > 0.0 ? binding : free);
  }
  CHECK(recoveries > 20);
  CHECK(binding > 20);
  CHECK(free > 20);
}

TEST_CASE("a step under several bounds meets them within the region, and its dual proves it best", "[agents]") {
  int recoveries = 0, two_bind = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Problem p = random_problem(6, 3, seed);
    p.radius = 0.05;
    const Answer own = answer_of(p);
    const double length = 0.5 * own.x.dot(p.curvature * own.x);
    CHECK(length <= p.radius * (1.0 + 1e-9));
    if (own.step.recovers) {
      // The step is on the edge, and what it is cut from meets all bounds: the multiple that meets one that binds.
      ++recoveries;
      CHECK(length == Approx(p.radius));
      const Vec slope = p.cost.transpose() * own.x;
      Eigen::Index binds = 0;
      Eigen::Map<const Vec>(own.step.multipliers.data(), 3).maxCoeff(&binds);
      const double multiple = -p.excess(binds) / slope(binds);
      CHECK((p.excess + multiple * slope).maxCoeff() <= 1e-6);
      CHECK(multiple > 1.0);
      continue;
    }
    CHECK((p.excess + p.cost.transpose() * own.x).maxCoeff() <= 1e-6);
    // The dual is at least what any step gains, and equal to what this one does.
    const Vec nu = Eigen::Map<const Vec>(own.step.multipliers.data(), 3);
    two_bind += (nu.array() > 0.0).count() >= 2;
    CHECK(nu.minCoeff() >= 0.0);
    const double lambda = 1.0 / own.step.along_gain;
    const Vec left = p.gain - p.cost * nu;
    const double dual = left.dot(p.curvature.inverse() * left) / (2.0 * lambda) - nu.dot(p.excess) + lambda * p.radius;
    CHECK(dual == Approx(p.gain.dot(own.x)).epsilon(1e-6).margin(1e-9));
  }
  CHECK(recoveries > 20);
  CHECK(two_bind > 20);
  // Without bounds it is the natural gradient at the region's edge; without a gain it stays.
  Problem free = random_problem(4, 0, 1);
  const Answer natural = answer_of(free);
  CHECK(0.5 * natural.x.dot(free.curvature * natural.x) == Approx(free.radius));
  const TrustRegionStep still =
      constrained_step({.gain_cost = {0.0}, .cost_cost = {1.0}, .excess = {-1.0}, .radius = 1.0});
  CHECK(still.along_gain == 0.0);
  CHECK(still.along_cost[0] == 0.0);
}

TEST_CASE("conjugate gradients solve what a factorisation solves", "[agents]") {
  const Problem p = random_problem(12, 0, 5);
  const std::vector<double> b(p.gain.begin(), p.gain.end());
  const std::vector<double> x = conjugate_gradient(
      [&](std::span<const double> in, std::span<double> out) {
        const Vec image = p.curvature * Eigen::Map<const Vec>(in.data(), 12);
        std::copy(image.begin(), image.end(), out.begin());
      },
      b, 40);
  const Vec exact = p.curvature.ldlt().solve(p.gain);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x[i] == Approx(exact(static_cast<Eigen::Index>(i))).epsilon(1e-6));
}

// A small actor with a rollout of the ladder world.
struct SmallActor {
  SmallActor()
      : simulator(test::make_toy_simulator(std::make_shared<test::LadderModel>(3))),
        config([] {
          ActorConfig small = actor_defaults("ppo");
          small.world.candidates = 4, small.num_envs = 16, small.world.history_length = 4, small.rollout_steps = 4;
          small.minibatch = 24;  // a gradient of all 64 states is of three batches
          small.network = {.state_hidden = {8},
                           .item_hidden = {8},
                           .width = 4,
                           .tag_dim = 2,
                           .author_dim = 0,
                           .id_dim = 3,
                           .interaction_hidden = 4};
          return small;
        }()),
        actor(make_value_actor(*simulator, config, "ppo", 3, network_settings(config, 1))),
        encoder(config.encoder, actor->items()),
        rollout(encoder, {.envs = 16, .steps = 4, .slots = 4, .threads = 1}) {
    VectorEnv env = make_training_env(simulator, config, 1);
    std::vector<std::uint64_t> seeds(16);
    std::iota(seeds.begin(), seeds.end(), 1U);
    rollout.begin(env.reset(seeds));
    const std::vector<std::int32_t> actions(16, 1);
    while (!rollout.full()) rollout.add(env.step(actions), {});
    for (std::size_t row = 0; row < rollout.rows(); ++row)
      if (rollout.valid[row]) rows.push_back(static_cast<std::uint32_t>(row));
    // Away from a start whose scores are all near zero.
    std::vector<float> parameters(actor->size());
    actor->read(parameters);
    RandomStream random(split(make_key(8), Draw::kInit));
    for (float& one : parameters) one += 0.3F * static_cast<float>((2.0 * random.uniform() - 1.0));
    actor->write(parameters);
  }
  std::vector<double> log_probs() const {
    std::vector<float> scores(rows.size() * 4);
    actor->score(rollout, rows, scores);
    scores_to_log_probs_of(scores);
    return {scores.begin(), scores.end()};
  }
  void scores_to_log_probs_of(std::vector<float>& scores) const {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::span<float> own = std::span(scores).subspan(i * 4, 4);
      log_softmax(own, std::span(rollout.mask).subspan(rows[i] * 4, 4), own);
    }
  }
  // The gradient of the mean of log p(slot 0) + 2 log p(slot 2).
  double loss_gradient(std::vector<float>& out) const {
    return actor->gradient(
        rollout, rows,
        [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
          std::vector<float> log_prob(4);
          log_softmax(scores, std::span(rollout.mask).subspan(rows[index] * 4, 4), log_prob);
          for (std::size_t slot = 0; slot < 4; ++slot)
            d_scores[slot] = (slot == 0 ? 1.0F : 0.0F) + (slot == 2 ? 2.0F : 0.0F) - 3.0F * std::exp(log_prob[slot]);
          return static_cast<double>(log_prob[0]) + 2.0 * static_cast<double>(log_prob[2]);
        },
        out);
  }

  std::shared_ptr<const Simulator> simulator;
  ActorConfig config;
  std::unique_ptr<ActorNetwork> actor;
  StateEncoder encoder;
  Rollout rollout;
  std::vector<std::uint32_t> rows;
};

TEST_CASE("an actor's flat gradient is the finite difference along any direction of its parameters", "[agents]") {
  SmallActor small;
  const std::size_t size = small.actor->size();
  std::vector<float> at(size), moved(size), gradient(size), unused(size);
  small.actor->read(at);
  small.loss_gradient(gradient);
  RandomStream random(split(make_key(4), Draw::kBatch));
  for (int trial = 0; trial < 5; ++trial) {
    std::vector<double> direction(size);
    for (double& one : direction) one = (2.0 * random.uniform() - 1.0);
    const auto value_at = [&](double step) {
      for (std::size_t i = 0; i < size; ++i)
        moved[i] = static_cast<float>(static_cast<double>(at[i]) + step * direction[i]);
      small.actor->write(moved);
      return small.loss_gradient(unused);
    };
    const double slope = (value_at(1e-3) - value_at(-1e-3)) / 2e-3;
    const double along = std::inner_product(direction.begin(), direction.end(), gradient.begin(), 0.0);
    CHECK(along == Approx(slope).epsilon(0.02).margin(0.02));
  }
}

TEST_CASE("a Fisher-vector product is the curvature of the divergence", "[agents]") {
  SmallActor small;
  const std::size_t size = small.actor->size();
  std::vector<float> at(size), moved(size);
  small.actor->read(at);
  const std::vector<double> old = small.log_probs();
  FisherProduct product(*small.actor, small.rollout, small.rows, 0.0);
  FisherProduct damped(*small.actor, small.rollout, small.rows, 0.5);
  RandomStream random(split(make_key(6), Draw::kBatch));
  std::vector<double> v(size), w(size), image(size), other(size);
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  for (int trial = 0; trial < 4; ++trial) {
    for (double& one : v) one = (2.0 * random.uniform() - 1.0);
    for (double& one : w) one = (2.0 * random.uniform() - 1.0);
    product(v, image);
    product(w, other);
    // KL(p, p moved by h v) = h^2 / 2 v.F v, from both sides so that the third order cancels.
    const auto divergence_at = [&](double h) {
      for (std::size_t i = 0; i < size; ++i) moved[i] = static_cast<float>(static_cast<double>(at[i]) + h * v[i]);
      small.actor->write(moved);
      const std::vector<double> now = small.log_probs();
      double sum = 0.0;
      for (std::size_t pair = 0; pair < now.size(); ++pair) sum += std::exp(old[pair]) * (old[pair] - now[pair]);
      return sum / static_cast<double>(small.rows.size());
    };
    const double h = 4e-3;
    const double curvature = (divergence_at(h) + divergence_at(-h)) / (h * h);
    small.actor->write(at);
    CHECK(dot(v, image) == Approx(curvature).epsilon(0.03));
    CHECK(dot(w, image) == Approx(dot(v, other)).epsilon(0.02).margin(0.02 * std::sqrt(dot(v, image) * dot(w, other))));
    damped(v, other);
    CHECK(dot(v, other) == Approx(dot(v, image) + 0.5 * dot(v, v)).epsilon(1e-6));
  }
  std::vector<float> after(size);
  small.actor->read(after);
  CHECK(after == at);
}

TEST_CASE("the excesses that a trust region goes by are an even mean at first, then forget", "[agents]") {
  std::vector<double> means = {7.0, 7.0};
  const std::vector<std::vector<double>> measured = {{1.0, -2.0}, {3.0, 0.0}, {2.0, 5.0}};
  for (std::int64_t before = 0; before < 3; ++before)
    add_to_means(means, measured[static_cast<std::size_t>(before)], before, 0.9);
  CHECK(means[0] == Approx(2.0));
  CHECK(means[1] == Approx(1.0));
  add_to_means(means, std::vector<double>{12.0, 1.0}, 99, 0.9);
  CHECK(means[0] == Approx(3.0));
  add_to_means(means, std::vector<double>{-4.0, 0.5}, 100, 0.0);  // a rollout's own
  CHECK(means == std::vector<double>{-4.0, 0.5});
}

}  // namespace
}  // namespace swipegym
