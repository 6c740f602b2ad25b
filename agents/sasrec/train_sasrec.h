#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "agents/supervised_task.h"
#include "core/range.h"
#include "policy/sasrec/sasrec_network.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {

/// Settings of `supervised sasrec`; a JSON file may set any of them by name. Sizes and rates are the best of 14 trials
/// on the validation days of a slice of 195,000 rows (docs/results/sasrec.md); larger logs want a wider network.
struct SasrecConfig {
  std::string objective = "binary";  // what scores rank by and training stops by: next, ratio or binary
  SasrecNetworkConfig network;
  double next_weight = 0.0;        // of the next video's loss
  double ratio_weight = 0.2;       // of the watch ratio's loss
  double binary_weight = 1.0;      // of the cross entropy of ratio > threshold
  bool softmax = false;            // next video by cross entropy over all videos, instead of sampled negatives
  std::size_t negatives = 1;       // uniform videos a position, not in the user's training rows
  float ratio_clip = 2.0F;         // ratios are clipped here
  float huber_delta = 1.0F;        // of the ratio's loss; 0: squared errors
  float threshold = 0.5F;          // a ratio above it is a positive
  std::size_t window_targets = 0;  // newest rows of a window of max_length that are learned from; 0: half of it. Few
                                   // cost more and learn from the position that is served: 1 is a window for each row
  bool standard_rows = true;       // learn from what the platform showed
  bool random_rows = true;         // learn from uniform random exposure, where the log has any
  int epochs = 30;                 // at most
  int patience = 4;                // epochs without a better validation metric before it stops
  bool refit = false;      // then learn afresh from training and validation days, for as many epochs as were best
  std::size_t batch = 64;  // histories
  double learning_rate = 1e-3;
  std::size_t warmup_steps = 0;      // steps in which the learning rate rises from 0
  double learning_rate_decay = 1.0;  // factor an epoch
  double beta2 = 0.98;
  double weight_decay = 0.1;
  double clip_norm = 5.0;
  double average_decay = 0.995;  // a step: what is validated and kept is an average of the weights, of which the
                                 // past has this share; 0: the weights themselves
  double dropout = 0.35;
  double attention_dropout = 0.0;
  double head_dropout = 0.5;
};

template <class Visitor>
void visit_fields(Visitor& visit, SasrecConfig& config) {
  visit("objective", config.objective, one_of({"next", "ratio", "binary"}));
  visit("network", config.network);
  visit("next_weight", config.next_weight, ranges::kWeight);
  visit("ratio_weight", config.ratio_weight, ranges::kWeight);
  visit("binary_weight", config.binary_weight, ranges::kWeight);
  visit("softmax", config.softmax);
  visit("negatives", config.negatives, between(0, 10'000));
  visit("ratio_clip", config.ratio_clip, between(1e-3, 1e6));
  visit("huber_delta", config.huber_delta, between(0, 1e9));
  visit("threshold", config.threshold, between(0, 1e6));
  visit("window_targets", config.window_targets, between(0, 500));
  visit("standard_rows", config.standard_rows);
  visit("random_rows", config.random_rows);
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("patience", config.patience, between(1, 1'000'000));
  visit("refit", config.refit);
  visit("batch", config.batch, ranges::kBatch);
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("warmup_steps", config.warmup_steps, between(0, 1'000'000'000'000));
  visit("learning_rate_decay", config.learning_rate_decay, between(1e-3, 1));
  visit("beta2", config.beta2, inside(0, 1));
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("average_decay", config.average_decay, below(0, 1));
  visit("dropout", config.dropout, ranges::kDropout);
  visit("attention_dropout", config.attention_dropout, ranges::kDropout);
  visit("head_dropout", config.head_dropout, ranges::kDropout);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const SasrecConfig& config);

/// Trains a SASRec on users' chronological rows: inputs are (v_1, y_1) .. (v_{t-1}, y_{t-1}) and v_t's features, never
/// v_t's answer. What is known of videos while learning from a day's rows comes from earlier days. Keeps a checkpoint
/// after every epoch and goes on from one bit for bit. The validation metric is the AUC of `binary`, minus the RMSE of
/// `ratio`, and NDCG@10 over all videos of `next`. Its details are the answers it learned from, "rows", and the
/// "best_epoch"; a refit's epochs, which have no validation, come last and count on.
TrainedModel train_sasrec(const SupervisedTask& task, const SasrecConfig& config);

}  // namespace swipegym
