#pragma once

#include <cstddef>
#include <vector>

#include "core/config.h"
#include "core/range.h"
#include "policy/state_encoder.h"

namespace swipegym {

/// Constrained policies from a log alone (docs/guide/constrained.md, "From a log alone"): the settings of every method
/// that the study sets side by side. Where a list is given, every entry is trained and validation days choose.
struct OfflineConfig {
  std::size_t videos = 150;  // K: the most exposed videos of the training days are the actions
  std::size_t history_length = 50;
  StateEncoderConfig encoder{.session_clock = false, .cross = false};
  std::vector<std::size_t> hidden = {64};  // of behaviour model and actors
  float dropout = 0.2F;                    // of hidden units, in all of these and the advantage network
  std::size_t batch = 512;
  float discount = 0.99F;
  double weight_decay = 0.01;  // a step shrinks weights by this times the learning rate

  int behaviour_epochs = 40;  // at most
  int patience = 3;           // epochs without a smaller validation loss, of behaviour model and advantage network
  double behaviour_rate = 1e-3;

  std::vector<std::size_t> critic_hidden = {32};
  int critic_epochs = 8;
  double critic_rate = 1e-3;
  std::vector<std::size_t> advantage_hidden = {64, 8};  // a narrow last layer: a video has some hundred rows
  int advantage_epochs = 20;                            // at most
  double advantage_rate = 3e-4;

  int actor_epochs = 4;  // of every actor, from the behaviour model on; each epoch's policy is a choice
  double actor_rate = 3e-4;
  double ratio_limit = 10.0;                               // pi / pi_b in the loss of an actor is cut here
  std::vector<double> temperatures = {1.0, 3.0};           // of reward-weighted regression
  double multiplier_rate = 2.0;                            // RCPO: what a relative excess adds to a multiplier an epoch
  std::vector<double> weights = {0.1, 0.3, 1.0};           // weighted sum: of each auxiliary, watch time has 1
  std::vector<double> lambdas = {0.1, 0.25, 0.5, 1., 2.};  // TSCAC: of each auxiliary actor

  double weight_limit = 10.0;    // NCIS: pi / pi_b is cut here
  double tolerance = 0.05;       // an auxiliary is kept on validation days when it loses no larger share than this
  double least_effective = 0.2;  // share of validation rows a policy's weights must be worth to be chosen
};

template <class Visitor>
void visit_fields(Visitor& visit, OfflineConfig& config) {
  visit("videos", config.videos, between(2, 10'000));
  visit("history_length", config.history_length, ranges::kHistory);
  visit("encoder", config.encoder);
  visit("hidden", config.hidden, ranges::kUnits, ranges::kLayers);
  visit("dropout", config.dropout, ranges::kDropout);
  visit("batch", config.batch, ranges::kBatch);
  visit("discount", config.discount, between(0, 1));
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("behaviour_epochs", config.behaviour_epochs, ranges::kEpochs);
  visit("patience", config.patience, between(1, 1'000'000));
  visit("behaviour_rate", config.behaviour_rate, ranges::kLearningRate);
  visit("critic_hidden", config.critic_hidden, ranges::kUnits, ranges::kLayers);
  visit("critic_epochs", config.critic_epochs, ranges::kEpochs);
  visit("critic_rate", config.critic_rate, ranges::kLearningRate);
  visit("advantage_hidden", config.advantage_hidden, ranges::kUnits, ranges::kLayers);
  visit("advantage_epochs", config.advantage_epochs, ranges::kEpochs);
  visit("advantage_rate", config.advantage_rate, ranges::kLearningRate);
  visit("actor_epochs", config.actor_epochs, ranges::kEpochs);
  visit("actor_rate", config.actor_rate, ranges::kLearningRate);
  visit("ratio_limit", config.ratio_limit, between(1, 1e6));
  visit("temperatures", config.temperatures, between(1e-3, 1e6), lengths(1, 100));
  visit("multiplier_rate", config.multiplier_rate, ranges::kWeight);
  visit("weights", config.weights, above(0, 1e6), lengths(1, 100));
  visit("lambdas", config.lambdas, between(1e-6, 1e6), lengths(1, 100));
  visit("weight_limit", config.weight_limit, between(1, 1e6));
  visit("tolerance", config.tolerance, between(0, 1e6));
  visit("least_effective", config.least_effective, between(0, 1));
}

/// Throws InputError naming the first setting that makes no sense, its value and what is expected.
inline void check(const OfflineConfig& config) {
  check_ranges(config);
}

}  // namespace swipegym
