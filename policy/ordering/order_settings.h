#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/range.h"

namespace swipegym {

/// A tag that may not directly follow another one. Both directions take two of them.
struct TagPair {
  int before = 0;  // a tag, as the list has them
  int after = 0;
};
template <class Visitor>
void visit_fields(Visitor& visit, TagPair& pair) {
  visit("before", pair.before, between(0, 65'535));
  visit("after", pair.after, between(0, 65'535));
}

/// What no order of videos should do. Videos without a tag are bound by none of the rules about tags.
struct SequenceRules {
  int author_cap = 0;              // videos of one author; 0: any number
  int tag_cap = 0;                 // videos of one tag; 0: any number
  int cap_window = 0;              // the caps hold within so many neighbouring places; 0: within the slate
  bool no_author_twice = false;    // no two videos of one author in a row
  std::vector<TagPair> tag_pairs;  // tags that may not follow one another
  // Steps a slate's search for an order that breaks the fewest rules may take; one takes about a microsecond.
  int search_steps = 20'000;
};
template <class Visitor>
void visit_fields(Visitor& visit, SequenceRules& rules) {
  visit("author_cap", rules.author_cap, between(0, 1'000'000));
  visit("tag_cap", rules.tag_cap, between(0, 1'000'000));
  visit("cap_window", rules.cap_window, between(2, 1'000'000).or_value(0));
  visit("no_author_twice", rules.no_author_twice);
  visit("tag_pairs", rules.tag_pairs, lengths(0, 10'000));
  visit("search_steps", rules.search_steps, between(0, 1'000'000'000));
}

/// Scores of videos of which there are few are made smaller: times min(1, inventory / floor)^kappa, since a user who is
/// led into a small pool soon has seen it.
struct InventoryDamping {
  float kappa = 0.0F;   // 0: off
  float floor = 50.0F;  // videos from which on nothing is taken off
};
template <class Visitor>
void visit_fields(Visitor& visit, InventoryDamping& damping) {
  visit("kappa", damping.kappa, between(0, 100));
  visit("floor", damping.floor, between(1, 1e9));
}

/// Now and then a place goes to a stable interest of the user's that is not the largest.
struct BringBackSettings {
  float probability = 0.0F;    // of a slate; 0: never
  float least_share = 0.1F;    // of the user's history a tag needs to be an interest
  std::string place = "last";  // of the slate, or drawn
};
template <class Visitor>
void visit_fields(Visitor& visit, BringBackSettings& settings) {
  visit("probability", settings.probability, ranges::kProbability);
  visit("least_share", settings.least_share, between(0.01, 1));
  visit("place", settings.place, one_of({"last", "drawn"}));
}

/// More diversity for users who are not well known: its weight is multiplied by (variance / mean variance)^power, and
/// at most by `limit`, at least by 1 / limit.
struct VarianceBoost {
  float power = 0.0F;  // 0: the same for all users
  float limit = 4.0F;
};
template <class Visitor>
void visit_fields(Visitor& visit, VarianceBoost& boost) {
  visit("power", boost.power, between(0, 10));
  visit("limit", boost.limit, between(1, 1000));
}

/// How a list of scored videos becomes a slate.
struct OrderSettings {
  std::string method = "value";
  // What is done to relevance before it is weighed against likeness, which lies in [-1, 1]: nothing, or the list's
  // smallest and largest become 0 and 1, or its mean and deviation 0 and 1.
  std::string scale = "range";
  float mmr_lambda = 0.7F;  // weight of relevance; 1: value alone
  float dpp_theta = 3.0F;   // quality is exp(theta * relevance)
  float ssd_gamma = 0.5F;   // weight of the window's volume
  int ssd_window = 5;       // neighbouring places whose volume counts, the next one included
  InventoryDamping inventory;
  VarianceBoost variance;
  BringBackSettings bring_back;
  SequenceRules rules;
};
template <class Visitor>
void visit_fields(Visitor& visit, OrderSettings& settings) {
  visit("method", settings.method, one_of({"value", "mmr", "dpp", "ssd"}));
  visit("scale", settings.scale, one_of({"none", "range", "deviation"}));
  visit("mmr_lambda", settings.mmr_lambda, between(0, 1));
  visit("dpp_theta", settings.dpp_theta, between(0, 1000));
  visit("ssd_gamma", settings.ssd_gamma, between(0, 1e6));
  visit("ssd_window", settings.ssd_window, between(2, 1000));
  visit("inventory", settings.inventory);
  visit("variance", settings.variance);
  visit("bring_back", settings.bring_back);
  visit("rules", settings.rules);
}

}  // namespace swipegym
