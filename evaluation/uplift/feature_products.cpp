#include "evaluation/uplift/feature_products.h"

#include <cmath>

namespace swipegym {

FeatureProducts::FeatureProducts(const FeatureTable& table, std::span<const std::uint32_t> rows, bool products) {
  const auto width = static_cast<std::uint32_t>(table.width);
  for (std::uint32_t a = 0; a < width; ++a) pairs_.push_back({.first = a});
  for (std::uint32_t a = 0; products && a < width; ++a) {
    bool flag = true;
    for (const std::uint32_t row : rows) {
      const double value = table.row(row)[a];
      flag = flag && (value == 0.0 || value == 1.0);
    }
    for (std::uint32_t b = flag ? a + 1 : a; b < width; ++b)
      pairs_.push_back({.first = a, .second = static_cast<std::int32_t>(b)});
  }
  const auto n = static_cast<double>(rows.size());
  for (std::size_t c = 0; c < pairs_.size(); ++c) {
    double sum = 0.0, squares = 0.0;
    for (const std::uint32_t row : rows) sum += raw(table.row(row), c);
    const double mean = sum / n;
    for (const std::uint32_t row : rows) squares += std::pow(raw(table.row(row), c) - mean, 2);
    const double deviation = std::sqrt(squares / n);
    mean_.push_back(mean);
    // What is left of a constant after rounding is no deviation.
    scale_.push_back(deviation > 1e-12 * std::abs(mean) ? 1.0 / deviation : 0.0);
  }
}

double FeatureProducts::raw(const double* row, std::size_t column) const noexcept {
  const Pair& pair = pairs_[column];
  return pair.second < 0 ? row[pair.first] : row[pair.first] * row[pair.second];
}

void FeatureProducts::write(const double* row, Eigen::Ref<Eigen::RowVectorXd> out) const {
  for (std::size_t c = 0; c < pairs_.size(); ++c)
    out[static_cast<Eigen::Index>(c)] = (raw(row, c) - mean_[c]) * scale_[c];
}

}  // namespace swipegym
