#pragma once

#include <string>

#include "agents/supervised_task.h"
#include "core/range.h"
#include "policy/multitask/multitask_policy.h"

namespace swipegym {

/// Settings of `supervised multitask`; a JSON file may set any of them by name.
struct MultitaskConfig {
  HeadWeights heads = all_heads();  // weights of the heads' losses; one that is not named is left out of the network
  std::string weighting = "uncertainty";  // or fixed: the weights alone
  MultitaskValue value;                   // what a video's score is
  float clip = 2.0F;                      // ratios above count as this in the expected watch ratio
  float rows = 1.0F;                      // share of the training rows to learn from, drawn by the seed
  std::string left_out = "day";           // of a row's statistics: its day, the row, or nothing (agents/left_out.h)
  bool standardise = true;                // bring inputs to mean 0 and a like spread while learning
  std::size_t history_length = 50;        // the user's newest videos before the row
  int epochs = 5;                         // at most
  int patience = 2;                       // stops after so many epochs without a better validation metric; 0: never
  std::size_t batch = 512;
  double learning_rate = 2e-3;
  double final_learning_rate = 1e-4;  // reached linearly at the end of the last epoch
  double weight_decay = 0.5;
  double clip_norm = 10.0;
  float dropout = 0.1F;         // of the units of the first layer
  float expert_dropout = 0.1F;  // of the experts that a head's gate may choose
  MultitaskNetworkConfig network;
  StateEncoderConfig encoder{.session_clock = false};  // a logged row does not know its place in a session
};

template <class Visitor>
void visit_fields(Visitor& visit, MultitaskConfig& config) {
  visit("heads", config.heads, ranges::kWeight);
  visit("weighting", config.weighting, one_of({"uncertainty", "fixed"}));
  visit("value", config.value);
  visit("clip", config.clip, between(1, 5));
  visit("rows", config.rows, between(1e-6, 1));
  visit("left_out", config.left_out, one_of({"day", "row", "nothing"}));
  visit("standardise", config.standardise);
  visit("history_length", config.history_length, ranges::kHistory);
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("patience", config.patience, ranges::kPatience);
  visit("batch", config.batch, ranges::kBatch);
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("final_learning_rate", config.final_learning_rate, ranges::kFinalLearningRate);
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("dropout", config.dropout, ranges::kDropout);
  visit("expert_dropout", config.expert_dropout, ranges::kDropout);
  visit("network", config.network);
  visit("encoder", config.encoder);
}

/// Throws InputError naming the first setting that makes no sense.
void check(const MultitaskConfig& config);

/// Learns to foresee several answers to a row from its user, the user's strictly earlier rows and its video, by the
/// standard rows of train and holdout whose duration is known. The loss of a head is cross-entropy, of the watch head
/// over the bins of the ratio; with "uncertainty" the sum is over w_k (e^-s_k L_k + s_k) with s_k learned (Kendall,
/// Gal, Cipolla, CVPR 2018), else over w_k L_k. Keeps the epoch with the largest mean AUC on the validation days of the
/// outputs that have at least 50 rows of either kind there, then calibrates every head by these days (fit_platt; the
/// expected ratio by a line). Without validation days nothing is calibrated. Resumes, stops and fails as run_epochs
/// does (epoch_loop.h). Throws InputError when there are no rows to learn from.
TrainedModel train_multitask(const SupervisedTask& task, const MultitaskConfig& config);

}  // namespace swipegym
