#pragma once

#include <memory>
#include <string>

#include "policy/ordering/order_settings.h"
#include "policy/stages/stage_registry.h"

namespace swipegym {

/// Settings of the orderer "slate".
struct SlateOrdererSettings {
  OrderSettings order;
  std::string vectors;          // a policy file whose vectors say how alike videos are; empty: tag and author say it
  float mean_deviation = 0.0F;  // a user's deviation that leaves diversity's weight as it is (see VarianceBoost); 0:
                                // the mean of the users that the vectors learned from
  float same_tag = 0.7F;        // without vectors: likeness of two videos of one tag; of one author: the rest
  std::size_t consider = 100;   // of the present order so many enter; the others stay behind them
  std::size_t history_length = 50;  // newest videos that a user's interests are told from
};
template <class Visitor>
void visit_fields(Visitor& visit, SlateOrdererSettings& settings) {
  visit_fields(visit, settings.order);
  visit("vectors", settings.vectors, Words({""}).or_file(".h5"));
  visit("mean_deviation", settings.mean_deviation, between(1e-6, 1e6).or_value(0));
  visit("same_tag", settings.same_tag, ranges::kProbability);
  visit("consider", settings.consider, between(1, 10'000));
  visit("history_length", settings.history_length, ranges::kHistory);
}

/// Diversity, damping by inventory, bring-back and rules of sequence, as OrderSettings says (policy/ordering).
std::shared_ptr<const Orderer> make_slate_orderer(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
