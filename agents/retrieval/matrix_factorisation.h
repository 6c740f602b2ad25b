#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/supervised_task.h"
#include "core/range.h"
#include "policy/embedding/factor_policy.h"

namespace swipegym {

/// Settings of `supervised mf`; a JSON file may set any of them by name.
struct MatrixFactorisationConfig {
  std::string target = "watch_ratio";  // watch_ratio; binary: whether the ratio exceeds .5; implicit: wanted or unseen
  float clip = 2.0F;                   // watch ratios are clipped here
  std::size_t factors = 16;
  int epochs = 60;
  int patience = 4;  // epochs without a better validation loss
  std::size_t batch = 1024;
  std::size_t negatives = 4;  // implicit: videos drawn uniformly for each wanted one
  float wanted_above = 0.5F;  // implicit: a row above this watch ratio is wanted
  double learning_rate = 5e-3;
  double weight_decay = 1.0;  // of factors and biases, decoupled: users with few rows stay near the mean
};

template <class Visitor>
void visit_fields(Visitor& visit, MatrixFactorisationConfig& config) {
  visit("target", config.target, one_of({"watch_ratio", "binary", "implicit"}));
  visit("clip", config.clip, between(1e-3, 1e6));
  visit("factors", config.factors, between(0, 1'024));
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("patience", config.patience, ranges::kPatience);
  visit("batch", config.batch, ranges::kBatch);
  visit("negatives", config.negatives, between(0, 10'000));
  visit("wanted_above", config.wanted_above, between(0, 1e6));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const MatrixFactorisationConfig& config);

/// Learns mean + user bias + video bias + <user, video> from the standard rows of the training and hold-out days, by
/// Adam on the squared error (watch_ratio) or the cross-entropy (binary, implicit; Koren, Bell, Volinsky, "Matrix
/// factorization techniques for recommender systems", Computer 42(8), 2009). It sees ids only: who has no row yet gets
/// the mean. Throws InputError when there is no row to learn from.
TrainedModel train_matrix_factorisation(const SupervisedTask& task, const MatrixFactorisationConfig& config);

}  // namespace swipegym
