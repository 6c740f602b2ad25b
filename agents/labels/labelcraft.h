#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/labels/bilevel.h"
#include "agents/supervised_task.h"
#include "core/range.h"
#include "policy/label/label_policy.h"

namespace swipegym {

/// Settings of LabelCraft; a JSON file may set any of them by name.
struct LabelCraftConfig {
  int epochs = 20;                   // at most
  int patience = 5;                  // stops after so many epochs without a better validation metric; 0: never
  std::string stop_metric = "nwtg";  // nwtg as for fixed labels, or objective: the hard lists' M, equal weights
  std::size_t stop_k = 5;            // users with more validation rows than this are judged
  std::size_t batch = 1024;
  std::string loss = "mse";           // of the recommender, as published; or bce
  std::string optimiser = "adam";     // of both levels; sgd as published
  double learning_rate = 1e-3;        // of the recommender, and the length of the virtual step
  double labeling_rate = 1e-3;        // of the labeling model
  std::size_t labeling_hidden = 256;  // two layers of it
  bool standardise = false;  // labels from logits of mean 0 and deviation 2 over a batch, which keeps them from
                             // drifting into one corner; off as published
  bool raw_inputs = false;   // seconds as they are, as published, which saturates labels; otherwise ln(1 + s) / 4
  std::size_t k = 5;         // of the lists that are judged; hold-out users need more rows than this
  bool sorted = false;       // see SoftTopKConfig
  double epsilon = 1e-2;
  bool rescale = true;
  std::size_t holdout_users = 200;  // drawn for each step
  double balance = 0.5;             // tau of the dynamic balancing; 0: equal weights (w/o B)
  bool scale = true;                // seconds to [0, 1] in two linear pieces; false: seconds (w/o S)
  double scale_quantile = 0.9;      // where the pieces meet, as a quantile of the training rows
  double scale_share = 0.2;         // and what it is worth
  bool watch_input = true, duration_input = true, feedback_input = true;              // w/o WI, DI, EI
  bool watch_objective = true, duration_objective = true, feedback_objective = true;  // w/o WO, DO, EO
  // A planted objective in place of the watch objective: watching at least planted_low_s and less than planted_high_s
  // is worth 1, anything else 0. Off while planted_high_s is 0.
  double planted_low_s = 0.0, planted_high_s = 0.0;
  LabelNetworkConfig network;
};

template <class Visitor>
void visit_fields(Visitor& visit, LabelCraftConfig& config) {
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("patience", config.patience, ranges::kPatience);
  visit("stop_metric", config.stop_metric, one_of({"nwtg", "objective"}));
  visit("stop_k", config.stop_k, between(1, 1'000'000));
  visit("batch", config.batch, between(2, 16'777'216));
  visit("loss", config.loss, one_of({"mse", "bce"}));
  visit("optimiser", config.optimiser, one_of({"adam", "sgd"}));
  visit("learning_rate", config.learning_rate, above(0, 1e38));  // an SGD step has no scale of its own
  visit("labeling_rate", config.labeling_rate, ranges::kLearningRate);
  visit("labeling_hidden", config.labeling_hidden, ranges::kUnits);
  visit("standardise", config.standardise);
  visit("raw_inputs", config.raw_inputs);
  visit("k", config.k, between(1, 1'000'000));
  visit("sorted", config.sorted);
  visit("epsilon", config.epsilon, between(1e-6, 1e3));
  visit("rescale", config.rescale);
  visit("holdout_users", config.holdout_users, between(1, 1'000'000'000));
  visit("balance", config.balance, between(0, 1e3));
  visit("scale", config.scale);
  visit("scale_quantile", config.scale_quantile, inside(0, 1));
  visit("scale_share", config.scale_share, inside(0, 1));
  visit("watch_input", config.watch_input);
  visit("duration_input", config.duration_input);
  visit("feedback_input", config.feedback_input);
  visit("watch_objective", config.watch_objective);
  visit("duration_objective", config.duration_objective);
  visit("feedback_objective", config.feedback_objective);
  visit("planted_low_s", config.planted_low_s, between(0, 1e6));
  visit("planted_high_s", config.planted_high_s, between(0, 1e6));
  visit("network", config.network);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const LabelCraftConfig& config);

/// The names of the published ablations: B, S, WI, DI, EI, WO, DO, EO.
const std::vector<std::string>& ablation_names();
/// The settings without that part; InputError for another name.
LabelCraftConfig ablate(LabelCraftConfig config, const std::string& part);

/// What LabelCraft learned besides its recommender.
struct LearnedLabel {
  Mlp labeling;                                  // of the epoch kept: [watch, duration, feedback] -> logit of the label
  std::vector<ListObjective::Value> objectives;  // hold-out, mean over each epoch trained in this run
};

/// Learns a label from feedback and a recommender from that label: every step asks which labels would have made the
/// recommender's lists better for hold-out users, changes the labeling model accordingly, and fits the recommender to
/// the new labels. The recommender learns from the days of `train` alone; `holdout` judges. Resumes, stops and fails as
/// run_epochs does. Fills `label` where there is one. Throws InputError when no hold-out user has more than k
/// rows.
TrainedModel train_labelcraft(const SupervisedTask& task, const LabelCraftConfig& config,
                              LearnedLabel* label = nullptr);

/// Inputs of the labeling model for one watch.
std::array<float, 3> labeling_inputs(const LabelCraftConfig& config, double watch_s, double duration_s, bool feedback);

/// M1, M2, M3 of the hard top-k lists that scores make of rows, over users with more than k rows, each in the unit the
/// settings say, scaled by what `training_rows` show.
std::array<double, kPlatformObjectives> platform_value(const Dataset& data,
                                                       std::span<const std::uint32_t> training_rows,
                                                       std::span<const std::uint32_t> rows,
                                                       std::span<const float> scores, const LabelCraftConfig& config);

}  // namespace swipegym
