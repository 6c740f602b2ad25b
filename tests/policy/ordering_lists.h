#pragma once

#include <Eigen/Dense>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "policy/ordering/greedy_order.h"

namespace swipegym {

/// A list with everything that orders look at, drawn.
struct DrawnList {
  std::vector<float> relevance, vectors;
  std::vector<std::uint32_t> author;
  std::vector<std::uint16_t> tag;
  std::size_t width = 0;

  ScoredList view() const {
    return {.relevance = relevance, .vectors = vectors, .width = width, .author = author, .tag = tag};
  }
};

inline DrawnList draw_list(std::size_t n, std::size_t width, std::uint32_t authors, std::uint32_t tags,
                           std::uint64_t seed) {
  RandomStream random(make_key(seed));
  DrawnList list;
  list.width = width;
  for (std::size_t i = 0; i < n; ++i) {
    list.relevance.push_back(random.uniform());
    list.author.push_back(random.below(authors));
    list.tag.push_back(static_cast<std::uint16_t>(random.below(tags)));
    for (std::size_t k = 0; k < width; ++k) list.vectors.push_back(2.0F * random.uniform() - 1.0F);
  }
  return list;
}

/// Cosines of all pairs, 1 on the diagonal.
inline Eigen::MatrixXd cosines(const DrawnList& list) {
  const auto n = static_cast<Eigen::Index>(list.relevance.size()), width = static_cast<Eigen::Index>(list.width);
  Eigen::MatrixXd v(n, width);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index k = 0; k < width; ++k) v(i, k) = list.vectors[static_cast<std::size_t>(i * width + k)];
  v.rowwise().normalize();
  return v * v.transpose();
}

/// The determinant of the rows and columns of `videos`.
inline double minor_of(const Eigen::MatrixXd& matrix, const std::vector<std::int32_t>& videos) {
  return matrix(videos, videos).eval().determinant();
}

}  // namespace swipegym
