#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "core/random.h"
#include "nn/soft_top_k.h"

namespace swipegym {
namespace {

std::vector<double> random_scores(std::size_t n, std::uint64_t seed) {
  RandomStream random(make_key(seed));
  std::vector<double> scores(n);
  for (double& s : scores) s = random.uniform_double();
  return scores;
}

// Sinkhorn's iteration in the log domain, as published, to compare with.
MatrixOf<double> sinkhorn(const std::vector<double>& s, const std::vector<double>& anchors,
                          const std::vector<double>& mass, double epsilon, int rounds) {
  const auto n = static_cast<Eigen::Index>(s.size()), m = static_cast<Eigen::Index>(anchors.size());
  MatrixOf<double> cost(n, m), plan(n, m);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < m; ++j) cost(i, j) = std::pow(s[i] - anchors[j], 2);
  cost /= cost.maxCoeff();
  Eigen::VectorXd f = Eigen::VectorXd::Zero(n), g = Eigen::VectorXd::Zero(m);
  const auto logsumexp = [](const Eigen::ArrayXd& x) {
    return x.maxCoeff() + std::log((x - x.maxCoeff()).exp().sum());
  };
  for (int round = 0; round < rounds; ++round) {
    for (Eigen::Index i = 0; i < n; ++i)
      f[i] =
          -epsilon * logsumexp((g.array() - cost.row(i).transpose().array()) / epsilon) - epsilon * std::log(double(n));
    for (Eigen::Index j = 0; j < m; ++j)
      g[j] = -epsilon * logsumexp((f.array() - cost.col(j).array()) / epsilon) + epsilon * std::log(mass[j]);
  }
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < m; ++j) plan(i, j) = std::exp((f[i] + g[j] - cost(i, j)) / epsilon);
  return plan;
}

TEST_CASE("the soft top k has its marginals and is Sinkhorn's limit", "[nn]") {
  for (const bool sorted : {false, true}) {
    SoftTopK top({.k = 3, .sorted = sorted, .epsilon = 0.05, .rescale = false});
    const std::vector<double> s = random_scores(9, 1);
    top.forward(s);
    CAPTURE(sorted);
    CHECK(top.marginal_error() < 1e-8);
    const std::vector<double> anchors = sorted ? std::vector<double>{3, 2, 1, 0} : std::vector<double>{1, 0};
    const std::vector<double> mass =
        sorted ? std::vector<double>{1 / 9.0, 1 / 9.0, 1 / 9.0, 6 / 9.0} : std::vector<double>{3 / 9.0, 6 / 9.0};
    CHECK((top.plan() - sinkhorn(s, anchors, mass, 0.05, 5000)).cwiseAbs().maxCoeff() < 1e-9);
    CHECK(std::accumulate(top.alpha().begin(), top.alpha().end(), 0.0) == Approx(3.0).epsilon(1e-10));
  }
}

TEST_CASE("the marginals hold at the small epsilon and the long lists of the published setting", "[nn]") {
  for (const bool sorted : {false, true})
    for (const double epsilon : {1e-2, 1e-3, 1e-4})
      for (const std::size_t n : {11U, 40U, 200U}) {
        SoftTopK top({.k = 10, .sorted = sorted, .epsilon = epsilon, .rescale = false});
        top.forward(random_scores(n, n));
        CAPTURE(sorted, epsilon, n);
        CHECK(top.marginal_error() < 1e-8);
        CHECK(*std::min_element(top.alpha().begin(), top.alpha().end()) >= 0.0);
        CHECK(*std::max_element(top.alpha().begin(), top.alpha().end()) <= 1.0 + 1e-12);
      }
}

TEST_CASE("as epsilon goes to 0 the indicator is the hard top k", "[nn]") {
  std::vector<double> scores(20);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<double>(i * 7 % 20) / 20.0;  // all different
  for (const bool sorted : {false, true}) {
    double last = 1.0;
    for (const double epsilon : {1e-2, 1e-3, 1e-4, 1e-5}) {
      SoftTopK top({.k = 5, .sorted = sorted, .epsilon = epsilon, .rescale = false});
      top.forward(scores);
      double worst = 0.0;
      for (std::size_t i = 0; i < scores.size(); ++i)
        worst = std::max(worst, std::abs(top.alpha()[i] - (scores[i] >= 0.75 ? 1.0 : 0.0)));
      CAPTURE(sorted, epsilon);
      CHECK(worst <= last);
      last = worst;
    }
    CHECK(last < 1e-8);
  }
}

TEST_CASE("the way back is the central difference", "[nn]") {
  for (const bool sorted : {false, true})
    for (const bool rescale : {false, true}) {
      SoftTopKConfig config{.k = 3, .sorted = sorted, .epsilon = 0.05, .rescale = rescale};
      std::vector<double> s = random_scores(9, 3);
      // The largest cost is a constant of the way back, so it must be one of the differences too.
      config.cost_scale = sorted ? 9.0 : 1.0;
      SoftTopK top(config);
      const std::vector<double> slope = random_scores(9, 4);
      std::vector<double> d_scores(9);
      top.forward(s);
      top.backward(slope, d_scores);
      const auto loss = [&] {
        top.forward(s);
        return std::inner_product(slope.begin(), slope.end(), top.alpha().begin(), 0.0);
      };
      for (std::size_t i = 0; i < s.size(); ++i) {
        const double centre = s[i], step = 1e-5;
        s[i] = centre + step;
        const double above = loss();
        s[i] = centre - step;
        const double below = loss();
        s[i] = centre;
        CAPTURE(sorted, rescale, i);
        CHECK(std::abs(d_scores[i] - (above - below) / (2 * step)) <= 1e-6);
      }
    }
}

TEST_CASE("lists no longer than k are shown whole, and equal scores share", "[nn]") {
  SoftTopK top({.k = 3});
  std::vector<double> d(3);
  top.forward(std::vector<double>{1, 2, 3});
  CHECK(std::vector<double>(top.alpha().begin(), top.alpha().end()) == std::vector<double>(3, 1.0));
  top.backward(std::vector<double>{1, 2, 3}, d);
  CHECK(d == std::vector<double>(3, 0.0));
  top.forward(std::vector<double>(6, 0.3));
  for (const double alpha : top.alpha()) CHECK(alpha == Approx(0.5));
}

}  // namespace
}  // namespace swipegym
