#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "evaluation/metrics/list_diversity.h"

using namespace swipegym;

TEST_CASE("intra-list distance is the mean over pairs of one minus their cosine", "[metrics]") {
  CHECK(intra_list_distance(std::vector<float>{2, 0, 5, 0}, 2) == Approx(0.0).margin(1e-12));
  CHECK(intra_list_distance(std::vector<float>{1, 0, 0, 3}, 2) == Approx(1.0));
  CHECK(intra_list_distance(std::vector<float>{1, 0, -1, 0}, 2) == Approx(2.0));
  CHECK(intra_list_distance(std::vector<float>{1, 0, 0, 0, 0, 0}, 2) == Approx(1.0));  // zeros are like nothing
  CHECK(std::isnan(intra_list_distance(std::vector<float>{1, 0}, 2)));
  CHECK(std::isnan(intra_list_distance({}, 2)));
  CHECK_THROWS_AS(intra_list_distance(std::vector<float>{1, 0, 0}, 2), InputError);

  RandomStream random(make_key(3));
  std::vector<float> vectors(7 * 5);
  for (float& x : vectors) x = random.uniform() - 0.5F;
  double sum = 0.0;
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double dot = 0, a = 0, b = 0;
      for (std::size_t k = 0; k < 5; ++k) {
        const double x = vectors[i * 5 + k], y = vectors[j * 5 + k];
        dot += x * y, a += x * x, b += y * y;
      }
      sum += 1.0 - dot / std::sqrt(a * b);
    }
  CHECK(intra_list_distance(vectors, 5) == Approx(sum / 21.0));
}

TEST_CASE("a list's categories have the entropy of their shares, its authors the Gini of theirs", "[metrics]") {
  CHECK(category_entropy(std::vector<std::uint16_t>{4, 9, 4, 9}) == Approx(std::log(2.0)));
  CHECK(category_entropy(std::vector<std::uint16_t>{4, 4}) == 0.0);
  CHECK(category_entropy({}) == 0.0);
  CHECK(author_gini(std::vector<std::uint32_t>{0, 1, 2, 3}, 4) == Approx(0.0).margin(1e-12));
  CHECK(author_gini(std::vector<std::uint32_t>{2, 2, 2}, 4) == Approx(0.75));  // one of four has it all
  CHECK(author_gini({}, 4) == 0.0);
  CHECK_THROWS_AS(author_gini(std::vector<std::uint32_t>{4}, 4), InputError);
}
