#include "policy/last_layer_sums.h"

#include <cmath>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr double kRounding = 1e-6;  // relative, of sums in double over many rows

struct NamedSums {
  const LastLayerSums& sums;
  const std::string& name;
  void validate() const { sums.validate(name); }
};

}  // namespace

void LastLayerSums::add(const double* x, double reward) noexcept {
  for (std::size_t i = 0; i < features; ++i) {
    for (std::size_t j = 0; j < features; ++j) squares[i * features + j] += x[i] * x[j];
    products[i] += reward * x[i];
  }
  rewards += reward * reward;
  rows += 1.0;
}

void LastLayerSums::add(const LastLayerSums& other) noexcept {
  for (std::size_t i = 0; i < squares.size(); ++i) squares[i] += other.squares[i];
  for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
  rewards += other.rewards;
  rows += other.rows;
}

// Cauchy and Schwarz: |sum a b| <= sqrt(sum a^2 sum b^2), with room for rounding.
void LastLayerSums::validate(const std::string& name) const {
  require_size(name + "/squares", squares.size(), features * features);
  require_size(name + "/products", products.size(), features);
  require_finite(name + "/squares", std::span(squares));
  require_finite(name + "/products", std::span(products));
  require_between(name + "/rewards", rewards, 0.0, 1e300);
  require_between(name + "/rows", rows, 0.0, 1e15);
  for (std::size_t i = 0; i < features; ++i) {
    const double own = squares[i * features + i];
    require_between(name + "/squares", own, 0.0, 1e300);
    for (std::size_t j = 0; j <= i; ++j) {
      const double one = squares[i * features + j], bound = std::sqrt(own) * std::sqrt(squares[j * features + j]);
      require_that(name + "/squares", std::abs(one) <= bound + kRounding * (bound + 1.0), "sums of products of rows");
      require_that(name + "/squares", one == squares[j * features + i], "a symmetric matrix");
    }
    const double bound = std::sqrt(own) * std::sqrt(rewards);
    require_that(name + "/products", std::abs(products[i]) <= bound + kRounding * (bound + 1.0),
                 "sums of products with the rewards");
  }
  if (features > 0)  // the constant's
    require_that(name + "/rows", std::abs(squares.back() - rows) <= kRounding * (rows + 1.0),
                 "what the constant's square sums to");
}

void save(Hdf5Writer& file, const std::string& name, const LastLayerSums& sums) {
  file.write_matrix(name + "/squares", std::span(sums.squares), sums.features, sums.features);
  file.write(name + "/products", sums.products);
  file.write(name + "/rewards", std::span(&sums.rewards, 1));
  file.write(name + "/rows", std::span(&sums.rows, 1));
}

LastLayerSums load_last_layer_sums(const Hdf5Reader& file, const std::string& name, std::size_t features) {
  LastLayerSums sums(features);
  sums.squares = file.read_matrix<double>(name + "/squares", features, features);
  sums.products = file.read<double>(name + "/products");
  sums.rewards = file.read_array<double, 1>(name + "/rewards")[0];
  sums.rows = file.read_array<double, 1>(name + "/rows")[0];
  file.check(NamedSums{sums, name});
  return sums;
}

}  // namespace swipegym
