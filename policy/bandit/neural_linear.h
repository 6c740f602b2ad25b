#pragma once

#include <Eigen/Cholesky>
#include <span>

#include "core/config.h"
#include "core/random.h"
#include "nn/matrix.h"
#include "policy/last_layer_sums.h"

namespace swipegym {

/// The prior of a Bayesian linear regression: w ~ N(0, s^2 / ridge I), s^2 ~ inverse gamma(shape, scale).
struct NeuralLinearConfig {
  std::size_t features = 1;  // d, the width of the scorer's last layer, and one for a constant where there is one
  double ridge = 1.0;
  double shape = 3.0, scale = 3.0;  // of the noise's variance: mean scale / (shape - 1)
};

template <class Visitor>
void visit_fields(Visitor& visit, NeuralLinearConfig& config) {
  visit("features", config.features, ranges::kUnits);
  visit("ridge", config.ridge, between(1e-6, 1e6));
  visit("shape", config.shape, above(1, 1e6));
  visit("scale", config.scale, between(1e-6, 1e6));
}

/// Neural-linear (Riquelme, Tucker & Snoek, "Deep Bayesian bandits showdown", ICLR 2018): rewards as a Bayesian linear
/// regression over the activations of a network's last hidden layer, which says how sure the network is. Sums are kept,
/// so rows come in batches, whole or one by one, with the same posterior; when the network is refitted its activations
/// mean something else: begin anew and add the rows again.
class NeuralLinear {
 public:
  explicit NeuralLinear(const NeuralLinearConfig& config);  // InputError out of the fields' ranges
  /// Solved, of the rows behind `sums`, which have as many features. InputError for sums that no rows have.
  NeuralLinear(const NeuralLinearConfig& config, const LastLayerSums& sums);

  /// Features [n, d] and rewards [n]. InputError for other sizes and numbers that are not finite. What follows asks for
  /// solve() first.
  void update(ConstMatrixRef<float> features, std::span<const float> rewards);
  /// Forgets: the sums of everything seen so far count keep times as much, the prior as much as ever.
  void decay(double keep);
  /// The posterior of all rows so far; O(d^3).
  void solve();

  const Eigen::VectorXd& weights() const;  // the posterior's mean
  double noise_variance() const;           // the posterior's mean of s^2, b / (a - 1)
  /// Of x' w for each row: mean, and deviation sqrt(noise_variance x' A^-1 x).
  void means(ConstMatrixRef<float> features, std::span<double> out) const;
  void deviations(ConstMatrixRef<float> features, std::span<double> out) const;
  /// One draw of (s^2, w) from the posterior, and x' w of every row under it (Thompson): rows of a request share it.
  Eigen::VectorXd draw_weights(RandomKey key) const;
  void score_thompson(ConstMatrixRef<float> features, RandomKey key, std::span<double> out) const;

  double shape() const;  // of the posterior's inverse gamma, a and b
  double scale() const;

 private:
  void require_solved() const;
  void require_rows(ConstMatrixRef<float> features, std::size_t values) const;
  NeuralLinearConfig config_;
  Eigen::MatrixXd squares_;            // sum x x' [d, d]
  Eigen::VectorXd products_;           // sum r x [d]
  double rewards_ = 0.0, rows_ = 0.0;  // sum r^2, how many
  bool solved_ = false;
  Eigen::LLT<Eigen::MatrixXd> factor_;  // of A = ridge I + squares
  Eigen::VectorXd weights_;
  double shape_ = 0.0, scale_ = 0.0;
};

}  // namespace swipegym
