#include <Eigen/Dense>
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/random_draws.h"
#include "policy/bandit/bucket_flow.h"
#include "policy/bandit/linear_arms.h"
#include "policy/bandit/neural_linear.h"

namespace swipegym {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

Eigen::MatrixXd normal_rows(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed) {
  Eigen::MatrixXd x(rows, columns);
  RandomStream random(make_key(seed));
  for (Eigen::Index i = 0; i < rows; ++i)
    for (Eigen::Index j = 0; j < columns; ++j) x(i, j) = draw_normal_pair(random)[0];
  return x;
}

std::vector<double> row_of(const Eigen::MatrixXd& x, Eigen::Index row) {
  std::vector<double> values(static_cast<std::size_t>(x.cols()));
  for (Eigen::Index j = 0; j < x.cols(); ++j) values[static_cast<std::size_t>(j)] = x(row, j);
  return values;
}

std::vector<std::uint32_t> places_of(const std::vector<FlowPick>& picks) {
  std::vector<std::uint32_t> places;
  for (const FlowPick& pick : picks) places.push_back(pick.place);
  return places;
}

}  // namespace

TEST_CASE("LinUCB after a thousand Sherman-Morrison steps is the dense solve", "[policy][bandit]") {
  constexpr Eigen::Index kWide = 12, kRows = 1000;
  const Eigen::MatrixXd x = normal_rows(kRows, kWide, 1);
  const Eigen::VectorXd truth = normal_rows(kWide, 1, 2), noise = normal_rows(kRows, 1, 3);
  LinearArms arms({.features = kWide, .ridge = 0.7});
  arms.add(3);
  for (Eigen::Index i = 0; i < kRows; ++i) arms.update(1, row_of(x, i), x.row(i).dot(truth) + noise[i]);
  const Eigen::MatrixXd a = 0.7 * Eigen::MatrixXd::Identity(kWide, kWide) + x.transpose() * x;
  const Eigen::VectorXd theta = a.ldlt().solve(x.transpose() * (x * truth + noise));
  const Eigen::MatrixXd inverse = a.inverse();
  for (Eigen::Index j = 0; j < kWide; ++j) {
    CHECK(arms.theta(1)[static_cast<std::size_t>(j)] == Approx(theta[j]).epsilon(1e-9));
    for (Eigen::Index k = 0; k < kWide; ++k)
      CHECK(arms.inverse(1)[static_cast<std::size_t>(j * kWide + k)] ==
            Approx(inverse(j, k)).epsilon(1e-8).margin(1e-12));
  }
  const Eigen::VectorXd asked = normal_rows(kWide, 1, 4);
  const std::vector<double> question = row_of(asked.transpose(), 0);
  CHECK(arms.mean(1, question) == Approx(asked.dot(theta)));
  CHECK(arms.deviation(1, question) == Approx(std::sqrt(asked.dot(inverse * asked))));
  CHECK(arms.upper(1, question, 2.0) == Approx(asked.dot(theta) + 2.0 * std::sqrt(asked.dot(inverse * asked))));
  // The arms beside it know nothing still.
  CHECK(arms.mean(0, question) == 0.0);
  CHECK(arms.deviation(2, question) == Approx(asked.norm() / std::sqrt(0.7)));
  std::vector<double> scores(3), rows(2);
  arms.score_arms(std::vector<std::uint32_t>{2, 1, 0}, question, 2.0, scores);
  CHECK(scores[1] == arms.upper(1, question, 2.0));
  CHECK(scores[0] == scores[2]);
  arms.score_rows(1, MatrixOf<double>(x.topRows(2)), 2.0, rows);
  CHECK(rows[1] == Approx(arms.upper(1, row_of(x, 1), 2.0)));
}

TEST_CASE("LinUCB forgets towards the ridge, densely and on the diagonal", "[policy][bandit]") {
  constexpr Eigen::Index kWide = 5;
  const Eigen::MatrixXd x = normal_rows(60, kWide, 5);
  const Eigen::VectorXd r = normal_rows(60, 1, 6);
  LinearArms dense({.features = kWide, .ridge = 2.0}), diagonal({.features = kWide, .ridge = 2.0, .diagonal = true});
  dense.add(), diagonal.add();
  for (Eigen::Index i = 0; i < 60; ++i) dense.update(0, row_of(x, i), r[i]), diagonal.update(0, row_of(x, i), r[i]);
  dense.decay(0.9), diagonal.decay(0.9);
  const Eigen::MatrixXd a = 2.0 * Eigen::MatrixXd::Identity(kWide, kWide) + 0.9 * x.transpose() * x;
  const Eigen::VectorXd sum = 0.9 * x.transpose() * r, theta = a.ldlt().solve(sum);
  for (Eigen::Index j = 0; j < kWide; ++j) {
    const auto at = static_cast<std::size_t>(j);
    CHECK(dense.theta(0)[at] == Approx(theta[j]).epsilon(1e-9));
    CHECK(diagonal.inverse(0)[at] == Approx(1.0 / a(j, j)));
    CHECK(diagonal.theta(0)[at] == Approx(sum[j] / a(j, j)));
  }
  const std::vector<double> question = {1.0, -2.0, 0.5, 0.0, 3.0};
  double variance = 0.0;
  for (std::size_t j = 0; j < 5; ++j) variance += question[j] * question[j] * diagonal.inverse(0)[j];
  CHECK(diagonal.deviation(0, question) == Approx(std::sqrt(variance)));
}

TEST_CASE("with features that never occur together the diagonal loses nothing", "[policy][bandit]") {
  LinearArms dense({.features = 4}), diagonal({.features = 4, .diagonal = true});
  dense.add(), diagonal.add();
  for (int i = 0; i < 40; ++i) {
    std::vector<double> x(4, 0.0);
    x[static_cast<std::size_t>(i % 4)] = 1.0 + 0.1 * i;
    dense.update(0, x, i % 3), diagonal.update(0, x, i % 3);
  }
  const std::vector<double> question = {0.3, -1.0, 2.0, 0.7};
  CHECK(dense.upper(0, question, 1.5) == Approx(diagonal.upper(0, question, 1.5)).epsilon(1e-12));
}

TEST_CASE("linear bandits refuse what makes no sense", "[policy][bandit]") {
  CHECK_THROWS_AS(LinearArms({.features = 0}), InputError);
  CHECK_THROWS_AS(LinearArms({.features = 2, .ridge = kNoNumber}), InputError);
  LinearArms arms({.features = 2});
  arms.add();
  const std::vector<double> good = {1.0, 2.0}, small = {1.0}, bad = {1.0, kNoNumber};
  CHECK_THROWS_AS(arms.update(1, good, 1.0), InputError);
  CHECK_THROWS_AS(arms.update(0, small, 1.0), InputError);
  CHECK_THROWS_AS(arms.update(0, bad, 1.0), InputError);
  CHECK_THROWS_AS(arms.update(0, good, kNoNumber), InputError);
  CHECK_THROWS_AS(arms.mean(0, bad), InputError);
  CHECK_THROWS_AS(arms.decay(-0.1), InputError);
  CHECK_THROWS_AS(arms.score_arms({}, good, 1.0, {}), InputError);
  CHECK_THROWS_AS(NeuralLinear({.features = 2, .shape = 1.0}), InputError);
  NeuralLinear posterior({.features = 2});
  const Matrix rows = Matrix::Ones(2, 2), wide = Matrix::Ones(2, 3);
  const std::vector<float> rewards = {1.0F, 0.0F};
  CHECK_THROWS_AS(posterior.update(wide, rewards), InputError);
  CHECK_THROWS_AS(posterior.update(rows, std::span(rewards).first(1)), InputError);
  const Matrix no_numbers = Matrix::Constant(2, 2, std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_AS(posterior.update(no_numbers, rewards), InputError);
  posterior.update(rows, rewards);
  std::vector<double> out(2);
  CHECK_THROWS_AS(posterior.means(rows, out), InputError);  // not solved since
  posterior.solve();
  CHECK_NOTHROW(posterior.means(rows, out));
}

TEST_CASE("the neural-linear posterior is the closed form", "[policy][bandit]") {
  constexpr Eigen::Index kWide = 7, kRows = 600;
  const Eigen::MatrixXd drawn = normal_rows(kRows, kWide, 21);
  const Matrix features = drawn.cast<float>();
  const Eigen::MatrixXd x = features.cast<double>();
  const Eigen::VectorXd truth = normal_rows(kWide, 1, 22);
  const Eigen::VectorXf rewards = (x * truth + 0.5 * normal_rows(kRows, 1, 23)).cast<float>();
  const Eigen::VectorXd y = rewards.cast<double>();
  NeuralLinear posterior({.features = kWide, .ridge = 0.4, .shape = 3.0, .scale = 2.0});
  const std::span<const float> all(rewards.data(), kRows);
  posterior.update(features.topRows(300), all.first(300));  // in two batches, across the blocks of 256
  posterior.update(features.bottomRows(300), all.subspan(300));
  posterior.solve();

  const Eigen::MatrixXd a = 0.4 * Eigen::MatrixXd::Identity(kWide, kWide) + x.transpose() * x, inverse = a.inverse();
  const Eigen::VectorXd mean = inverse * x.transpose() * y;
  const double shape = 3.0 + kRows / 2.0, scale = 2.0 + 0.5 * (y.squaredNorm() - mean.dot(a * mean));
  CHECK((posterior.weights() - mean).norm() < 1e-9 * mean.norm());
  CHECK(posterior.shape() == Approx(shape));
  CHECK(posterior.scale() == Approx(scale).epsilon(1e-9));
  CHECK(posterior.noise_variance() == Approx(0.25).epsilon(0.2));
  std::vector<double> means(kRows), deviations(kRows), sampled(kRows);
  posterior.means(features, means);
  posterior.deviations(features, deviations);
  for (const Eigen::Index i : {0, 255, 256, 599}) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(means[at] == Approx(x.row(i).dot(mean)));
    CHECK(deviations[at] == Approx(std::sqrt(scale / (shape - 1.0) * x.row(i).dot(inverse * x.row(i).transpose()))));
  }
  // Draws: their mean and covariance, and all rows of a request under one of them.
  constexpr int kTimes = 20'000;
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(kWide);
  Eigen::MatrixXd squares = Eigen::MatrixXd::Zero(kWide, kWide);
  for (int i = 0; i < kTimes; ++i) {
    const Eigen::VectorXd away = posterior.draw_weights(split(make_key(24), static_cast<std::uint64_t>(i))) - mean;
    sum += away, squares += away * away.transpose();
  }
  const Eigen::MatrixXd covariance = scale / (shape - 1.0) * inverse;
  for (Eigen::Index j = 0; j < kWide; ++j) {
    CHECK(std::abs(sum[j] / kTimes) < 4.0 * std::sqrt(covariance(j, j) / kTimes));
    for (Eigen::Index k = 0; k < kWide; ++k)
      CHECK(std::abs(squares(j, k) / kTimes - covariance(j, k)) <
            5.0 * std::sqrt(2.0 * covariance(j, j) * covariance(k, k) / kTimes));
  }
  posterior.score_thompson(features, make_key(9), sampled);
  CHECK(sampled[400] == Approx(x.row(400).dot(posterior.draw_weights(make_key(9)))));
}

TEST_CASE("without rows the neural-linear posterior is its prior, and forgetting leads back to it",
          "[policy][bandit]") {
  NeuralLinear posterior({.features = 3, .ridge = 4.0, .shape = 3.0, .scale = 2.0});
  std::vector<double> one(1);
  const Matrix row = Matrix::Constant(1, 3, 2.0F);
  posterior.deviations(row, one);
  CHECK(one[0] == Approx(std::sqrt(1.0 * 12.0 / 4.0)));
  posterior.update(row, std::vector<float>{5.0F});
  posterior.decay(0.0);
  posterior.solve();
  posterior.deviations(row, one);
  CHECK(one[0] == Approx(std::sqrt(3.0)));
  CHECK(posterior.weights().norm() == 0.0);
}

TEST_CASE("a flow's slots sum to the slate, and to its shares in expectation", "[policy][bandit]") {
  const BucketFlow flow;  // .05, .1, .15, .7
  std::vector<std::size_t> slots(4);
  bucket_slots(flow, 100, 0.5, slots);
  CHECK(slots == std::vector<std::size_t>{5, 10, 15, 70});
  for (const std::size_t size : {1, 3, 7, 10, 33}) {
    std::vector<double> mean(4, 0.0);
    constexpr int kPhases = 20'000;
    for (int i = 0; i < kPhases; ++i) {
      bucket_slots(flow, size, (i + 0.5) / kPhases, slots);
      REQUIRE(std::accumulate(slots.begin(), slots.end(), std::size_t{0}) == size);
      for (std::size_t b = 0; b < 4; ++b) mean[b] += static_cast<double>(slots[b]) / kPhases;
    }
    for (std::size_t b = 0; b < 4; ++b)
      CHECK(mean[b] == Approx(flow.shares[b] * static_cast<double>(size)).margin(3.0 / kPhases));
  }
}

static std::vector<std::uint8_t> buckets_of(const BucketFlow& flow, const std::vector<double>& measures) {
  std::vector<std::uint8_t> buckets(measures.size());
  find_buckets(flow, measures, buckets);
  return buckets;
}

TEST_CASE("buckets are filled by score, and what one lacks goes to the next", "[policy][bandit]") {
  const BucketFlow up{.edges = {10, 100}, .shares = {0.4, 0.4, 0.2}, .spill = "up"};
  const BucketFlow down{.edges = {10, 100}, .shares = {0.4, 0.4, 0.2}, .spill = "down"};
  //                                    0    1    2    3    4     5     6    7      places
  const std::vector<double> measures = {3, 500, 20, 10, 99.9, 100, 1000, 30};
  const std::vector<double> scores = {0.1, 0.9, 0.2, 0.5, 0.3, 0.4, 0.8, 0.6};
  SlateRoom room;
  std::vector<FlowPick> picks(5);
  // Two slots for the newest, which has one arm: three for the middle, its best; the oldest keeps its slot.
  CHECK(fill_buckets(up, buckets_of(up, measures), scores, 0.5, {}, room, picks) == 5);
  CHECK(places_of(picks) == std::vector<std::uint32_t>{0, 7, 3, 4, 1});
  CHECK_FALSE(picks[2].spilled);
  CHECK(picks[3].spilled);
  CHECK(picks[3].bucket == 1);
  // The other way the newest bucket comes last, and what it lacks goes to the best of all that are left.
  CHECK(fill_buckets(down, buckets_of(down, measures), scores, 0.5, {}, room, picks) == 5);
  CHECK(places_of(picks) == std::vector<std::uint32_t>{1, 7, 3, 0, 6});
  CHECK(picks[4].spilled);
  CHECK(picks[4].bucket == 2);
  std::vector<FlowPick> all(20);
  CHECK(fill_buckets(up, buckets_of(up, measures), scores, 0.5, {}, room, all) == 8);
  std::vector<std::uint32_t> places = places_of({all.begin(), all.begin() + 8});
  std::sort(places.begin(), places.end());
  CHECK(places == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("the propensities of a single slot are how often a drawn phase fills it", "[policy][bandit]") {
  const std::vector<double> measures = {500, 20, 10, 99.9, 100};  // nobody below 10
  const std::vector<double> scores = {0.9, 0.2, 0.5, 0.3, 0.4};
  for (const char* spill : {"up", "down"}) {
    const BucketFlow flow{.edges = {10, 100}, .shares = {0.3, 0.5, 0.2}, .spill = spill};
    SlateRoom room;
    std::vector<double> exact(5), counted(5, 0.0);
    single_slot_propensities(flow, buckets_of(flow, measures), scores, {}, room, exact);
    CHECK(std::accumulate(exact.begin(), exact.end(), 0.0) == Approx(1.0));
    std::vector<FlowPick> one(1);
    constexpr int kPhases = 10'000;
    for (int i = 0; i < kPhases; ++i) {
      fill_buckets(flow, buckets_of(flow, measures), scores, (i + 0.5) / kPhases, {}, room, one);
      counted[one[0].place] += 1.0 / kPhases;
    }
    for (std::size_t i = 0; i < 5; ++i) CHECK(counted[i] == Approx(exact[i]).margin(2.0 / kPhases));
    CHECK(exact[2] == Approx(spill == std::string("up") ? 0.8 : 0.5));
  }
}

TEST_CASE("flows refuse what makes no sense", "[policy][bandit]") {
  const std::vector<double> two = {1.0, 2.0}, bad = {1.0, kNoNumber};
  const std::vector<std::uint8_t> buckets = {0, 0};
  std::vector<std::uint8_t> made(2);
  SlateRoom room;
  std::vector<FlowPick> picks(1);
  const auto fill = [&](const BucketFlow& flow) { fill_buckets(flow, buckets, two, 0.5, {}, room, picks); };
  CHECK_NOTHROW(fill({}));
  CHECK_THROWS_AS(fill({.edges = {}, .shares = {}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {1.0}, .shares = {0.5, 0.6}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {1.0}, .shares = {0.5, 0.4}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {1.0}, .shares = {1.5, -0.5}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {1.0}, .shares = {kNoNumber, 0.5}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {1.0}, .shares = {1.0}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {2.0, 2.0}, .shares = {0.5, 0.25, 0.25}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {kNoNumber}, .shares = {0.5, 0.5}}), InputError);
  CHECK_THROWS_AS(fill({.edges = {1.0}, .shares = {0.5, 0.5}, .spill = "sideways"}), InputError);
  CHECK_THROWS_AS(fill_buckets({}, buckets, bad, 0.5, {}, room, picks), InputError);
  CHECK_THROWS_AS(find_buckets({}, bad, made), InputError);
  CHECK_THROWS_AS(fill_buckets({}, {}, {}, 0.5, {}, room, picks), InputError);
  CHECK_THROWS_AS(fill_buckets({}, buckets, two, 0.5, {}, room, {}), InputError);
  CHECK_THROWS_AS(fill_buckets({}, buckets, two, 1.0, {}, room, picks), InputError);
  CHECK_THROWS_AS(fill_buckets({}, buckets, std::span(two).first(1), 0.5, {}, room, picks), InputError);
}

}  // namespace swipegym
