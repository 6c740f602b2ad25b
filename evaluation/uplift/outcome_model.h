#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "evaluation/uplift/feature_products.h"
#include "evaluation/uplift/uplift_settings.h"
#include "nn/mlp.h"

namespace swipegym {

/// What a model of E[target | features] is fitted to.
struct OutcomeRows {
  const FeatureTable* table = nullptr;
  std::span<const double> target;          // [rows of the table]
  std::span<const std::uint32_t> creator;  // the same; folds are made of whole creators
  std::vector<std::uint32_t> rows;         // of the table, to learn from
};

/// A model of the mean of a number, as the learners of uplift fit many: ridge regression (Hoerl & Kennard 1970) on
/// features and products, or a small network with mean squared error, or of the chance of a target that is 0 or 1 with
/// cross-entropy.
class OutcomeModel {
 public:
  /// InputError without rows, for cross-entropy of anything but a network ("mlp") and of a target that is neither 0 nor
  /// 1. The same key and rows give the same bits.
  OutcomeModel(const OutcomeRows& rows, const UpliftSettings& settings, RandomKey key);

  /// Of the table's rows named.
  std::vector<double> predict(const FeatureTable& table, std::span<const std::uint32_t> rows) const;

  bool is_network() const noexcept { return network_; }
  double penalty() const noexcept { return penalty_; }  // the ridge regression's, as chosen

 private:
  void fit_ridge(const OutcomeRows& rows, const UpliftSettings& settings, RandomKey key);
  void fit_network(const OutcomeRows& rows, const UpliftSettings& settings, RandomKey key);

  FeatureProducts columns_;
  double intercept_ = 0.0;
  // Ridge regression.
  Eigen::VectorXd coefficients_;
  double penalty_ = 0.0;
  // The network, in float; its target is brought to mean 0 and deviation 1, or is a chance whose log-odds it adds to.
  bool network_ = false, chance_ = false;
  Mlp mlp_;
  double target_scale_ = 1.0;
};

}  // namespace swipegym
