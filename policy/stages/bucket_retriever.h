#pragma once

#include <memory>
#include <string>

#include "policy/bandit/bucket_flow.h"
#include "policy/stages/stage_registry.h"

namespace swipegym {

/// Settings of the retriever "bucket".
struct BucketRetrieverSettings {
  BucketFlow flow;
  // What buckets are made of: shows; the deviation of the posterior of a video's rate of clicks; or the mean deviation
  // of the numbers of its vector in the policy file "vectors", of towers with deviations.
  std::string measure = "shows";
  std::string vectors;
  std::string within = "mean";     // which videos of a bucket: best mean, upper quantile, or Thompson draw
  double quantile_z = 1.64;        // upper quantile: mean + z deviations
  double alpha = 0.0, beta = 0.0;  // prior of a video's rate; 0: fitted to the catalogue
  std::size_t categories = 0;      // stacks: those of so many of the user's categories; 0: one stack of all videos
  std::string choice = "ucb";      // of categories: by the upper quantile of the user's affinity, or by Thompson draws
  double strength = 10.0;          // videos that everybody's rate of a category counts for in a user's affinity
  std::size_t history_length = 50;
};
template <class Visitor>
void visit_fields(Visitor& visit, BucketRetrieverSettings& settings) {
  visit_fields(visit, settings.flow);
  visit("measure", settings.measure, one_of({"shows", "deviation", "embedding"}));
  visit("vectors", settings.vectors, Words({""}).or_file(".h5"));
  visit("within", settings.within, one_of({"mean", "bayes-ucb", "thompson"}));
  visit("quantile_z", settings.quantile_z, between(0, 10));
  visit("alpha", settings.alpha, between(1e-6, 1e6).or_value(0));
  visit("beta", settings.beta, between(1e-6, 1e6).or_value(0));
  visit("categories", settings.categories, between(0, 1'000));
  visit("choice", settings.choice, one_of({"ucb", "thompson"}));
  visit("strength", settings.strength, between(1e-3, 1e6));
  visit("history_length", settings.history_length, ranges::kHistory);
}

/// Bucket flows (docs/guide/staged.md): videos stand in buckets by how well their rate of clicks is known, and every
/// bucket has its share of what is retrieved; with categories a stack each, for those the user is drawn to.
std::shared_ptr<const Retriever> make_bucket_retriever(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
