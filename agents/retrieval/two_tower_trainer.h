#pragma once

#include <memory>
#include <vector>

#include "agents/supervised_task.h"
#include "core/config.h"
#include "core/range.h"
#include "policy/embedding/two_tower_policy.h"

namespace swipegym {

/// Settings of `supervised two-tower`; a JSON file may set any of them by name.
struct TwoTowerTrainingConfig {
  float wanted_above = 0.5F;        // a row above this watch ratio is a pair to learn
  std::size_t history_length = 50;  // the user's newest videos before the row
  int epochs = 12;
  int patience = 3;  // epochs without a better validation recall
  std::size_t batch = 512;
  bool log_q = true;            // correct for how often a video stands in a batch
  std::size_t recall_at = 100;  // of the validation metric
  double learning_rate = 2e-3;
  double weight_decay = 0.01;
  double clip_norm = 10.0;
  TwoTowerConfig network;
  StateEncoderConfig encoder{.session_clock = false};  // a logged row does not know its place in a session
};

template <class Visitor>
void visit_fields(Visitor& visit, TwoTowerTrainingConfig& config) {
  visit("wanted_above", config.wanted_above, between(0, 1e6));
  visit("history_length", config.history_length, between(1, 500));
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("patience", config.patience, ranges::kPatience);
  visit("batch", config.batch, between(2, 65'536));
  visit("log_q", config.log_q);
  visit("recall_at", config.recall_at, between(1, 1'000'000));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("network", config.network);
  visit("encoder", config.encoder);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
inline void check(const TwoTowerTrainingConfig& config) {
  check_ranges(config);
}

/// What a variational two-tower learns by besides.
struct VariationConfig {
  double kl_weight = 0.01;                // of the divergences from N(0, 1); 1: the evidence lower bound
  double anneal = 0.15;                   // share of all steps in which that weight rises from 0
  QueryConfig queries{.draw = "normal"};  // what its policy asks by
};

template <class Visitor>
void visit_fields(Visitor& visit, VariationConfig& config) {
  visit("kl_weight", config.kl_weight, between(0, 1e6));
  visit("anneal", config.anneal, between(0, 1));
  visit("queries", config.queries);
}

/// Settings of `supervised variational-two-tower`.
struct VariationalTrainingConfig {
  TwoTowerTrainingConfig towers;
  VariationConfig variation;
};

template <class Visitor>
void visit_fields(Visitor& visit, VariationalTrainingConfig& config) {
  visit("towers", config.towers);
  visit("variation", config.variation);
}

/// In-batch sampled softmax (Yi et al., "Sampling-bias-corrected neural modeling for large corpus item
/// recommendations", RecSys 2019): each wanted row of the training and hold-out days is a pair; the videos of the other
/// pairs of its batch are what it must beat. A video stands in a batch with probability Q, so its score there is
/// lowered by ln Q during training: what is learned is then the chance of the video itself, not of the video relative
/// to its popularity. Nothing is corrected when serving. Columns that hold the row's own video are masked. Throws
/// InputError when fewer than two rows are wanted.
TrainedModel train_two_tower(const SupervisedTask& task, const TwoTowerTrainingConfig& config);

/// The same with towers that give a mean and a deviation (Kingma & Welling, "Auto-encoding variational Bayes", ICLR
/// 2014): the softmax is of vectors drawn anew for every pair, z = mean + deviation * noise, brought to length 1 after
/// that; and the divergences of all vectors from N(0, 1) are added, each user's and each video's once, however many
/// pairs it has. So evidence grows with pairs while the prior does not, and deviations shrink. Recall of the validation
/// days is that of the means. details: "active_dimensions" of videos and users, see active_dimensions(), and
/// "deviation_by_pairs", Spearman's correlation of a video's mean deviation with -ln of its pairs.
TrainedModel train_variational_two_tower(const SupervisedTask& task, const VariationalTrainingConfig& config);

/// How many columns of means [n, width] have a variance above kActiveVariance: the others tell rows apart by nothing.
inline constexpr double kActiveVariance = 0.01;
std::size_t active_dimensions(const Matrix& means);

}  // namespace swipegym
