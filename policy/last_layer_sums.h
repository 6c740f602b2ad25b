#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// Of rows that a network was taught by, x what one of its outputs is made of (its last layer, and a 1 behind it) and r
/// what that output should have been: all that a Bayesian linear regression of r on x asks of them.
struct LastLayerSums {
  std::size_t features = 0;      // d
  std::vector<double> squares;   // sum x x' [d, d], row-major
  std::vector<double> products;  // sum r x [d]
  double rewards = 0.0;          // sum r^2
  double rows = 0.0;

  explicit LastLayerSums(std::size_t width = 0) : features(width), squares(width * width), products(width) {}
  /// One row: x is [d].
  void add(const double* x, double reward) noexcept;
  void add(const LastLayerSums& other) noexcept;  // of as many features
  /// InputError for sums that no rows have, names behind `name`.
  void validate(const std::string& name = "sums") const;
};

void save(Hdf5Writer& file, const std::string& name, const LastLayerSums& sums);
/// Throws InputError for sums of another size, and for those that no rows have.
LastLayerSums load_last_layer_sums(const Hdf5Reader& file, const std::string& name, std::size_t features);

}  // namespace swipegym
