#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "policy/embedding/ward.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

// The same points as tests/parity/ward.py.
Matrix ward_points(std::uint64_t number) {
  std::uint64_t state = number + 1;
  const auto draw = [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state >> 40) / 16777216.0;
  };
  const auto n = 2 + static_cast<Eigen::Index>(draw() * 60.0), d = 1 + static_cast<Eigen::Index>(draw() * 16.0);
  const auto groups = static_cast<Eigen::Index>(number % 3 * 3);
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> centre(std::max<Eigen::Index>(groups, 1), d);
  centre.setZero();
  for (Eigen::Index i = 0; i < groups * d; ++i) centre.data()[i] = 3.0 * draw();
  Matrix points(n, d);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index c = 0; c < d; ++c)
      points(i, c) = static_cast<float>(centre(i % centre.rows(), c)) + static_cast<float>(draw());
  return points;
}

TEST_CASE("Ward's merges and heights are scipy's on 200 sets of points", "[policy]") {
  const Json recorded = test::read_recorded("ward.json");
  REQUIRE(recorded.at("sets").size() == 200);
  for (std::size_t set = 0; set < 200; ++set) {
    const auto want = recorded.at("sets")[set].at("merges").get<std::vector<std::int32_t>>();
    const auto height = recorded.at("sets")[set].at("heights").get<std::vector<double>>();
    const Matrix points = ward_points(set);
    const std::vector<WardMerge> merges = ward_merges(points);
    CAPTURE(set, points.rows(), points.cols());
    REQUIRE(merges.size() == height.size());
    REQUIRE(static_cast<Eigen::Index>(merges.size()) == points.rows() - 1);
    for (std::size_t i = 0; i < merges.size(); ++i) {
      CAPTURE(i);
      CHECK(merges[i].a == want[3 * i]);
      CHECK(merges[i].b == want[3 * i + 1]);
      CHECK(merges[i].size == want[3 * i + 2]);
      CHECK(std::sqrt(merges[i].cost) == Approx(height[i]).epsilon(1e-7));
    }
  }
}

// The sum of squared distances to the mean of each cluster.
double within(const Matrix& points, const std::vector<std::int32_t>& cluster) {
  double total = 0.0;
  for (std::int32_t c = 0; c <= *std::max_element(cluster.begin(), cluster.end()); ++c) {
    Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(points.cols());
    double n = 0.0;
    for (std::size_t i = 0; i < cluster.size(); ++i)
      if (cluster[i] == c) mean += points.row(static_cast<Eigen::Index>(i)).cast<double>(), n += 1.0;
    mean /= n;
    for (std::size_t i = 0; i < cluster.size(); ++i)
      if (cluster[i] == c) total += (points.row(static_cast<Eigen::Index>(i)).cast<double>() - mean).squaredNorm();
  }
  return total;
}

TEST_CASE("a merge costs twice what it adds to the sum of squares, and a cut makes all merges up to its cost",
          "[policy]") {
  const Matrix points = ward_points(7);
  const std::vector<WardMerge> merges = ward_merges(points);
  double before = 0.0;
  for (const WardMerge& merge : merges) {
    const std::vector<std::int32_t> cluster = ward_clusters(merges, merge.cost);
    const double now = within(points, cluster);
    CHECK(merge.cost == Approx(2.0 * (now - before)).epsilon(1e-6));
    before = now;
  }
  CHECK(ward_clusters(merges, -1.0).back() == static_cast<std::int32_t>(merges.size()));  // each point its own
  CHECK(ward_clusters(merges, 1e9) == std::vector<std::int32_t>(merges.size() + 1, 0));
}

TEST_CASE("one point, equal points and no point are clustered too", "[policy]") {
  CHECK(ward_merges(Matrix::Ones(1, 3)).empty());
  CHECK(ward_clusters({}, 1.0) == std::vector<std::int32_t>{0});
  const std::vector<WardMerge> equal = ward_merges(Matrix::Ones(5, 3));
  REQUIRE(equal.size() == 4);
  for (const WardMerge& merge : equal) CHECK(merge.cost == 0.0);
  CHECK(equal.back().size == 5);
  CHECK(ward_clusters(equal, 0.0) == std::vector<std::int32_t>(5, 0));
}

}  // namespace
}  // namespace swipegym
