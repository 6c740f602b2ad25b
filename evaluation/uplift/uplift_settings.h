#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/range.h"

namespace swipegym {

/// How models of an outcome are fitted, in learners of uplift.
struct UpliftSettings {
  std::string base = "ridge";  // "ridge", "mlp", or "chosen": the one of smaller error by cross-validation
  // Ridge regression on features and their products, the intercept free. The penalty is (mean squared error) +
  // penalty * |coefficients|^2 on columns of deviation 1; of several, the one of smallest error by cross-validation.
  bool products = true;
  std::vector<double> penalties = {0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0};
  int penalty_folds = 5;  // of the training rows' creators
  // A row's tau comes from models that never saw its creator, fitted on the other folds. 1: from all rows.
  int folds = 5;
  // The network: on features of deviation 1, stopped by a fifth of the creators. With "cross-entropy" it says the
  // chance of a target that is 0 or 1; a ridge regression knows "squared" alone.
  std::string loss = "squared";
  std::vector<std::size_t> hidden = {32, 32};
  int epochs = 100, patience = 10;
  std::size_t batch = 256;
  double learning_rate = 3e-3, weight_decay = 1e-4;
};

template <class Visitor>
void visit_fields(Visitor& visit, UpliftSettings& settings) {
  visit("base", settings.base, one_of({"ridge", "mlp", "chosen"}));
  visit("products", settings.products);
  visit("penalties", settings.penalties, between(0, 1e6), lengths(1, 32));
  visit("penalty_folds", settings.penalty_folds, between(2, 100));
  visit("folds", settings.folds, between(1, 100));
  visit("loss", settings.loss, one_of({"squared", "cross-entropy"}));
  visit("hidden", settings.hidden, ranges::kUnits, ranges::kLayers);
  visit("epochs", settings.epochs, ranges::kEpochs);
  visit("patience", settings.patience, ranges::kPatience);
  visit("batch", settings.batch, ranges::kBatch);
  visit("learning_rate", settings.learning_rate, ranges::kLearningRate);
  visit("weight_decay", settings.weight_decay, ranges::kWeightDecay);
}

}  // namespace swipegym
