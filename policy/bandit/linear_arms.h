#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/config.h"
#include "nn/matrix.h"
#include "policy/last_layer_sums.h"

namespace swipegym {

/// How rewards depend on features: a ridge regression an arm.
struct LinearArmsConfig {
  std::size_t features = 1;  // d
  double ridge = 1.0;        // lambda of A = lambda I + sum x x'
  bool diagonal = false;     // keep A's diagonal only: O(d) instead of O(d^2), as if features did not occur together
};

template <class Visitor>
void visit_fields(Visitor& visit, LinearArmsConfig& config) {
  visit("features", config.features, ranges::kUnits);
  visit("ridge", config.ridge, between(1e-6, 1e6));
  visit("diagonal", config.diagonal);
}

/// LinUCB with disjoint models (Li et al., "A contextual-bandit approach to personalized news article recommendation",
/// WWW 2010), or with a single shared one whose rows are features of user and video together. Of each arm the inverse
/// of A and theta = A^-1 sum r x are kept, and moved by Sherman & Morrison's formula. With the diagonal, A is
/// lambda + sum x_j^2 for each feature and theta_j = sum r x_j / A_j.
class LinearArms {
 public:
  explicit LinearArms(const LinearArmsConfig& config);  // InputError out of the fields' ranges

  std::uint32_t add(std::size_t count = 1);  // ids as in BetaArms
  /// One arm more, which has seen the rows behind `sums`; O(d^3). InputError for another number of features, and for
  /// sums that no rows have.
  std::uint32_t add(const LastLayerSums& sums);
  std::size_t size() const noexcept { return size_; }
  std::size_t features() const noexcept { return config_.features; }

  /// One reward under features `x` [d]; nothing is allocated. InputError for an id that was never given, another
  /// number of features, or a number that is not finite.
  void update(std::uint32_t arm, std::span<const double> x, double reward);

  double mean(std::uint32_t arm, std::span<const double> x) const;       // x' theta
  double deviation(std::uint32_t arm, std::span<const double> x) const;  // sqrt(x' A^-1 x)
  /// mean + width deviation: of one arm; of each arm of a list under the same x; of one arm under each row [n, d].
  double upper(std::uint32_t arm, std::span<const double> x, double width) const {
    return mean(arm, x) + width * deviation(arm, x);
  }
  void score_arms(std::span<const std::uint32_t> list, std::span<const double> x, double width,
                  std::span<double> out) const;
  void score_rows(std::uint32_t arm, ConstMatrixRef<double> rows, double width, std::span<double> out) const;

  /// Forgets: A <- keep A + (1 - keep) lambda I, and sum r x <- keep sum r x, of every arm. Inverts A anew where it is
  /// no diagonal, O(d^3) an arm, which also removes what rounding has gathered.
  void decay(double keep);

  std::span<const double> theta(std::uint32_t arm) const;    // [d]
  std::span<const double> inverse(std::uint32_t arm) const;  // [d, d], or its diagonal [d]

 private:
  std::size_t block() const noexcept {
    return config_.diagonal ? config_.features : config_.features * config_.features;
  }
  void require(std::uint32_t arm, std::span<const double> x) const;

  LinearArmsConfig config_;
  std::size_t size_ = 0;
  std::vector<double> inverse_, theta_;  // [arms, block], [arms, d]
  std::vector<double> gain_;             // [d]: A^-1 x of an update
};

}  // namespace swipegym
