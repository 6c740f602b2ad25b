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
  std::string within = "mean";     // which videos of a bucket: best mean, upper quantile, UCB1, or Thompson draw
  std::string ties = "index";      // which of equal ones: the first of the catalogue, or drawn for each request
  std::string places = "bucket";   // in the list: bucket by bucket, or drawn, so that each bucket has its share of each
  double quantile_z = 1.64;        // upper quantile: mean + z deviations
  double alpha = 0.0, beta = 0.0;  // prior of a video's rate; 0: fitted to the catalogue
  // What a video is worth beyond its own score, where creators are known (a platform's catalogue): for each upload more
  // that a watch by P(click) brings, and for a creator who arrived less than `new_days` ago, if the mean rate of the
  // video is at least `new_rate`: a targeted boost; 0 boosts all of them.
  double uplift = 0.0, new_creator = 0.0, new_days = 7.0, new_rate = 0.0;
  double mimic = 0.0;  // the same for each upload more of the viewer's own, who may imitate what is clicked
  std::string uploads = "counted";  // each upload counts 1, or "valued": V / the mean V, by what its creator's bring
  std::size_t categories = 0;       // stacks: those of so many of the user's categories; 0: one stack of all videos
  std::string choice = "ucb";       // of categories: by the upper quantile of the user's affinity, or by Thompson draws
  double strength = 10.0;           // videos that everybody's rate of a category counts for in a user's affinity
  std::size_t history_length = 50;
};
template <class Visitor>
void visit_fields(Visitor& visit, BucketRetrieverSettings& settings) {
  visit_fields(visit, settings.flow);
  visit("measure", settings.measure, one_of({"shows", "deviation", "embedding"}));
  visit("vectors", settings.vectors, Words({""}).or_file(".h5"));
  visit("within", settings.within, one_of({"mean", "bayes-ucb", "ucb1", "thompson"}));
  visit("ties", settings.ties, one_of({"index", "drawn"}));
  visit("places", settings.places, one_of({"bucket", "drawn"}));
  visit("quantile_z", settings.quantile_z, between(0, 10));
  visit("alpha", settings.alpha, between(1e-6, 1e6).or_value(0));
  visit("beta", settings.beta, between(1e-6, 1e6).or_value(0));
  visit("uplift", settings.uplift, between(0, 1'000));
  visit("new_creator", settings.new_creator, between(0, 1'000));
  visit("new_days", settings.new_days, between(0, 1'000));
  visit("new_rate", settings.new_rate, between(0, 1));
  visit("mimic", settings.mimic, between(0, 1'000));
  visit("uploads", settings.uploads, one_of({"counted", "valued"}));
  visit("categories", settings.categories, between(0, 1'000));
  visit("choice", settings.choice, one_of({"ucb", "thompson"}));
  visit("strength", settings.strength, between(1e-3, 1e6));
  visit("history_length", settings.history_length, ranges::kHistory);
}

/// Bucket flows (docs/guide/staged.md): videos stand in buckets by how well their rate of clicks is known, and every
/// bucket has its share of what is retrieved; with categories a stack each, for those the user is drawn to.
std::shared_ptr<const Retriever> make_bucket_retriever(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
