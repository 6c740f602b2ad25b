#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// Rows of numbers that models learn from: [rows, width], row-major.
struct FeatureTable {
  std::size_t width = 0;
  std::vector<double> values;

  std::size_t rows() const noexcept { return width == 0 ? 0 : values.size() / width; }
  const double* row(std::size_t i) const noexcept { return values.data() + i * width; }
};

/// What a linear model sees of a row: its features and, where asked for, the products of any two of them and their
/// squares, all brought to mean 0 and deviation 1 over the rows it was made of. The square of a feature that is 0 or 1
/// is left out, being the feature. A constant column stays 0.
class FeatureProducts {
 public:
  FeatureProducts() = default;
  /// `rows` are those that means and deviations are taken over, at least one.
  FeatureProducts(const FeatureTable& table, std::span<const std::uint32_t> rows, bool products);

  std::size_t size() const noexcept { return pairs_.size(); }
  /// Writes [size()] numbers.
  void write(const double* row, Eigen::Ref<Eigen::RowVectorXd> out) const;

 private:
  struct Pair {
    std::uint32_t first = 0;
    std::int32_t second = -1;  // -1: the feature alone
  };
  double raw(const double* row, std::size_t column) const noexcept;

  std::vector<Pair> pairs_;
  std::vector<double> mean_, scale_;  // scale: 1 / deviation, 0 for a constant
};

}  // namespace swipegym
