#pragma once

#include <string>

#include "agents/retrieval/two_tower_trainer.h"
#include "policy/embedding/multi_interest_policy.h"

namespace swipegym {

/// Settings of `supervised multi-interest`.
struct MultiInterestConfig {
  std::string policy = "none";       // a two-tower's policy file, whose vectors are clustered; none: one is trained
  std::size_t history_length = 200;  // newest videos that become interests
  InterestConfig interests;
  TwoTowerTrainingConfig towers;  // of the one that is trained
};

template <class Visitor>
void visit_fields(Visitor& visit, MultiInterestConfig& config) {
  visit("policy", config.policy, one_of({"none"}).or_file(".h5"));
  visit("history_length", config.history_length, between(1, 500));
  visit("interests", config.interests);
  visit("towers", config.towers);
}

/// A policy that asks by a user's interests (PinnerSage; see policy/embedding/interest_clusters.h). Nothing is learned
/// beside the vectors of videos, which are those of two towers: of a policy file, or trained first by
/// train_two_tower(). Throws InputError for a file of another model.
TrainedModel train_multi_interest(const SupervisedTask& task, const MultiInterestConfig& config);

}  // namespace swipegym
