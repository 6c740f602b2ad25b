#pragma once

#include <string>

#include "agents/supervised_task.h"
#include "core/range.h"
#include "policy/value/value_policy.h"

namespace swipegym {

/// Settings of `supervised ranker`; a JSON file may set any of them by name.
struct RankerConfig {
  std::string label = "watch_ratio";  // what is predicted: watch_ratio, or watch_s (seconds)
  float clip = 2.0F;                  // labels are clipped here: a ratio, or seconds
  std::size_t history_length = 50;    // the user's newest videos before the row
  bool standard_rows = true;          // learn from what the platform showed
  bool random_rows = true;            // learn from uniform random exposure, where the log has any
  double epochs = 3.0;                // passes over the rows; rows are drawn with replacement
  std::size_t batch = 512;
  float huber_delta = 10.0F;  // in units of the label's spread; large: a mean is learned, not a median
  double learning_rate = 2e-3;
  double final_learning_rate = 5e-5;  // reached linearly at the end
  double weight_decay = 0.02;
  double clip_norm = 10.0;
  ValueNetworkConfig network;
  StateEncoderConfig encoder{.session_clock = false};  // a logged row does not know its place in a session
};

template <class Visitor>
void visit_fields(Visitor& visit, RankerConfig& config) {
  visit("label", config.label, one_of({"watch_ratio", "watch_s"}));
  visit("clip", config.clip, between(1e-3, 1e6));
  visit("history_length", config.history_length, ranges::kHistory);
  visit("standard_rows", config.standard_rows);
  visit("random_rows", config.random_rows);
  visit("epochs", config.epochs, above(0, 1'000'000));
  visit("batch", config.batch, ranges::kBatch);
  visit("huber_delta", config.huber_delta, between(1e-6, 1e9));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("final_learning_rate", config.final_learning_rate, ranges::kFinalLearningRate);
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("network", config.network);
  visit("encoder", config.encoder);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const RankerConfig& config);

/// Learns to predict a row's label from its user, its user's strictly earlier rows and its video, by rows dated up to
/// the last day of `train` and `holdout`. A supervised baseline: it knows nothing of simulators, rewards or what comes
/// after a video. Its details are the rows, the updates, the label's mean and deviation, and the mean loss of the first
/// and the last tenth of the updates, in label units squared / 2. Throws InputError when there is no such row.
TrainedModel train_ranker(const SupervisedTask& task, const RankerConfig& config);

}  // namespace swipegym
