#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/supervised_task.h"
#include "core/config.h"
#include "core/range.h"
#include "policy/label/label_policy.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// The labels a recommender may be fitted to: "wt", "ef", "pc", "pcr", "d2q", "dvr", "d2co", and every one but "ef"
/// with "+ef" behind it, for two tasks.
const std::vector<std::string>& label_names();

/// A label of each logged row. Whatever a label learns of the log (spreads, quantiles, mixtures), it learns from the
/// training rows.
struct LabelTargets {
  std::vector<float> value;     // [log rows]; 0 where the duration is unknown
  std::vector<float> feedback;  // [log rows] EF, the second task; empty without one
  bool bounded = true;          // in [0, 1]; otherwise a gain of mean 0 and deviation 1 within its duration group
  LabelScore score = LabelScore::kFirst;
};

/// wt: seconds over the longest of the training rows, at most 1. ef: any of like, follow, comment. pc: watched to the
/// end. pcr: share watched, at most 1. d2q: quantile within 30 duration groups. dvr: watch-time gain within them. d2co:
/// see d2co_label.h. Throws InputError for another name.
LabelTargets make_label_targets(const Dataset& data, std::span<const std::uint32_t> training_rows,
                                const std::string& label);

/// Settings of fitting a recommender to a fixed label; a JSON file may set any of them by name.
struct LabelModelConfig {
  std::string label = "wt";  // see label_names()
  std::string loss = "bce";  // of labels in [0, 1]: bce on the logit, or mse of the probability. dvr: always mse
  int epochs = 20;           // at most
  int patience = 3;          // stops after so many epochs without a better validation metric; 0: never
  std::size_t stop_k = 5;    // the metric is NWTG at this rank, users weighted by rows, of users with more rows
  std::size_t batch = 1024;
  std::string optimiser = "adam";  // or sgd, as LabelCraft's released code has it
  double learning_rate = 1e-3;
  double weight_decay = 0.0;     // adam: decoupled; sgd: added to the gradient
  double clip_norm = 10.0;       // adam
  float feedback_weight = 1.0F;  // of EF in the loss and the score of the +ef labels
  float adversary = 0.1F;        // dvr: weight of the adversary that tells the duration from the predicted gain
  LabelNetworkConfig network;    // dvr sets duration to false
};

template <class Visitor>
void visit_fields(Visitor& visit, LabelModelConfig& config) {
  visit("label", config.label, one_of(label_names()));
  visit("loss", config.loss, one_of({"bce", "mse"}));
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("patience", config.patience, ranges::kPatience);
  visit("stop_k", config.stop_k, between(1, 1'000'000));
  visit("batch", config.batch, between(2, 16'777'216));
  visit("optimiser", config.optimiser, one_of({"adam", "sgd"}));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("feedback_weight", config.feedback_weight, ranges::kWeight);
  visit("adversary", config.adversary, ranges::kWeight);
  visit("network", config.network);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
inline void check(const LabelModelConfig& config) {
  check_ranges(config);
}

/// Fits a recommender to a label by the standard rows of train and holdout that have a known duration, and keeps the
/// epoch with the best validation metric. Resumes, stops and fails as run_epochs does (epoch_loop.h).
TrainedModel train_label_model(const SupervisedTask& task, const LabelModelConfig& config);

}  // namespace swipegym
