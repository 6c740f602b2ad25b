#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "core/random.h"
#include "policy/best_unseen.h"

namespace swipegym {
namespace {

Matrix random_rows(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed) {
  RandomStream random(make_key(seed));
  Matrix matrix(rows, columns);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(random.below(9)) - 4.0F;  // whole numbers: products are exact and often equal
  return matrix;
}

TEST_CASE("the fused search finds what sorting all scores finds, ties in item order, on any threads", "[policy]") {
  const Matrix users = random_rows(37, 5, 1), items = random_rows(40'000, 5, 2);
  const std::vector<TopItem> found = top_items(users, items, 20, 1);
  REQUIRE(found.size() == 37 * 20);
  for (const Eigen::Index u : {0, 11, 36}) {
    std::vector<TopItem> all;
    for (Eigen::Index i = 0; i < items.rows(); ++i)
      all.push_back({static_cast<std::int32_t>(i), users.row(u).dot(items.row(i))});
    std::stable_sort(all.begin(), all.end(), [](const TopItem& a, const TopItem& b) { return a.score > b.score; });
    for (std::size_t k = 0; k < 20; ++k) {
      CAPTURE(u, k);
      CHECK(found[static_cast<std::size_t>(u) * 20 + k].item == all[k].item);
      CHECK(found[static_cast<std::size_t>(u) * 20 + k].score == all[k].score);
    }
  }
  for (const int threads : {2, 3}) {
    const std::vector<TopItem> again = top_items(users, items, 20, threads);
    CHECK(std::equal(again.begin(), again.end(), found.begin(),
                     [](const TopItem& a, const TopItem& b) { return a.item == b.item && a.score == b.score; }));
  }
}

TEST_CASE("fewer items than asked for are all returned, best first", "[policy]") {
  const Matrix users = random_rows(2, 3, 1), items = random_rows(7, 3, 2);
  const std::vector<TopItem> found = top_items(users, items, 100, 1);
  REQUIRE(found.size() == 14);
  CHECK(std::is_sorted(found.begin(), found.begin() + 7,
                       [](const TopItem& a, const TopItem& b) { return a.score > b.score; }));
  CHECK(top_items(users, items, 0, 1).empty());
}

}  // namespace
}  // namespace swipegym
