#pragma once

#include <memory>
#include <string>

#include "policy/stages/stage_registry.h"

namespace swipegym {

/// The heads that a network of 'supervised multitask' may have.
inline Words network_heads() {
  return one_of({"watch", "watched", "long_view", "click", "like", "follow", "comment", "forward", "hate", "leave"});
}

/// Settings of the scorer "neural_linear".
struct NeuralLinearScorerSettings {
  std::string file;                 // a policy file of 'supervised multitask'
  std::string head = "watch";       // what is added to; the other heads are as they are
  std::string choice = "thompson";  // what is added: a draw less its mean, the deviation (ucb), or nothing (mean)
  double width = 1.0;               // times which it is added
  double row_weight = 1.0;          // of a training row; below 1 as if there had been fewer, which makes it less sure
  double ridge = 1.0;
  double shape = 3.0, scale = 3.0;  // of the noise's variance before any row: inverse gamma
};
template <class Visitor>
void visit_fields(Visitor& visit, NeuralLinearScorerSettings& settings) {
  visit("file", settings.file, Words({}).or_file(".h5"));
  visit("head", settings.head, network_heads());
  visit("choice", settings.choice, one_of({"thompson", "ucb", "mean"}));
  visit("width", settings.width, between(0, 1e6));
  visit("row_weight", settings.row_weight, between(0, 1));
  visit("ridge", settings.ridge, between(1e-6, 1e6));
  visit("shape", settings.shape, above(1, 1e6));
  visit("scale", settings.scale, between(1e-6, 1e6));
}

/// Settings of the scorer "linucb".
struct LinUcbScorerSettings {
  std::string file;            // a policy file of 'supervised multitask'
  std::string head = "watch";  // which is foreseen anew; the other heads are as they are
  double width = 1.0;          // deviations above the mean
  double ridge = 1.0;
  bool diagonal = false;    // as if features did not occur together
  double row_weight = 1.0;  // of a training row
};
template <class Visitor>
void visit_fields(Visitor& visit, LinUcbScorerSettings& settings) {
  visit("file", settings.file, Words({}).or_file(".h5"));
  visit("head", settings.head, network_heads());
  visit("width", settings.width, between(0, 1e6));
  visit("ridge", settings.ridge, between(1e-6, 1e6));
  visit("diagonal", settings.diagonal);
  visit("row_weight", settings.row_weight, between(0, 1));
}

/// Neural-linear (NeuralLinear): the heads of a network, and to one of them the optimism or the Thompson draw of a
/// Bayesian linear regression over its last layer, whose sums over the training rows are in the network's file. All
/// videos of a request share a draw.
std::shared_ptr<const Scorer> make_neural_linear_scorer(const StageSettings& settings, const StageContext& context);

/// LinUCB (LinearArms) with one model for all videos, whose features are a network's last layer before the head and a
/// constant: x' theta + width sqrt(x' A^-1 x) takes the head's place.
std::shared_ptr<const Scorer> make_linucb_scorer(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
