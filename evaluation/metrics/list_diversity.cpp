#include "evaluation/metrics/list_diversity.h"

#include <cmath>
#include <utility>
#include <vector>

#include "core/validate.h"
#include "evaluation/metrics/sample_distance.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {

double intra_list_distance(std::span<const float> vectors, std::size_t width) {
  const std::size_t n = width == 0 ? 0 : vectors.size() / width;
  require_size("intra_list_distance: vectors", vectors.size(), n * width);
  require_finite("intra_list_distance: vectors", vectors);
  if (n < 2) return kUndefined;
  // The cosines of all pairs, each twice, are the squared length of the sum of unit vectors, less that of each.
  std::vector<double> sum(width, 0.0);
  double own = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto v = vectors.subspan(i * width, width);
    double squares = 0.0;
    for (const float x : v) squares += static_cast<double>(x) * static_cast<double>(x);
    if (squares == 0.0) continue;
    const double factor = 1.0 / std::sqrt(squares);
    for (std::size_t k = 0; k < width; ++k) sum[k] += static_cast<double>(v[k]) * factor;
    own += 1.0;
  }
  double all = -own;
  for (const double x : sum) all += x * x;
  return 1.0 - all / (static_cast<double>(n) * static_cast<double>(n - 1));
}

double category_entropy(std::span<const std::uint16_t> categories) {
  std::vector<std::uint32_t> counts(std::size_t{1} << 16, 0);
  for (const std::uint16_t category : categories) ++counts[category];
  return entropy(counts);
}

double author_gini(std::span<const std::uint32_t> authors, std::size_t num_authors) {
  require_below("author_gini: author", authors, num_authors);
  std::vector<std::uint32_t> counts(num_authors, 0);
  for (const std::uint32_t author : authors) ++counts[author];
  return gini(std::move(counts));
}

}  // namespace swipegym
