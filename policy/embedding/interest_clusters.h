#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "core/range.h"
#include "env/observation.h"
#include "nn/matrix.h"

namespace swipegym {

/// How a user's watched videos become interests, and which of them a request asks for.
struct InterestConfig {
  float wanted_above = 0.5F;     // a video of the history counts above this watch ratio
  float merge_cost = 1.0F;       // clusters merge up to this cost (ward.h); unit vectors are at most 4 apart
  float decay_per_day = 0.01F;   // importance of a watched video falls by exp(-decay) a day; 0: counts
  std::size_t count = 3;         // interests a request asks for
  std::string choice = "drawn";  // drawn: in proportion to importance; top: the most important
  std::string query = "tower";   // what asks for one: the user tower, or the vector of its medoid
};

template <class Visitor>
void visit_fields(Visitor& visit, InterestConfig& config) {
  visit("wanted_above", config.wanted_above, between(0, 1e6));
  visit("merge_cost", config.merge_cost, between(0, 1e6));
  visit("decay_per_day", config.decay_per_day, between(0, 1'000));
  visit("count", config.count, between(1, 100));
  visit("choice", config.choice, one_of({"drawn", "top"}));
  visit("query", config.query, one_of({"tower", "medoid"}));
}

/// One of a user's interests.
struct InterestCluster {
  std::int32_t medoid = -1;  // the video of the cluster with the least sum of squared distances to the others
  double importance = 0.0;   // sum over its videos of exp(-decay_per_day * age in days)
  std::uint32_t size = 0;    // watched videos in it, repeats counted
  std::vector<std::uint32_t> place = {};  // [size] where they stand in the row's history, ascending
};

/// The interests of row `row` of the observation by PinnerSage (Pal et al., KDD 2020, arXiv 2007.03634): Ward clusters
/// of the wanted videos of its history by their rows of `items` [videos, d], the most important first, equal ones in
/// the order of their first videos. Empty when nothing was wanted. Where the observation does not tell how old a watch
/// is, it counts as today's. Costs grow with the square of the wanted videos.
std::vector<InterestCluster> find_interest_clusters(const ObservationView& observation, std::size_t row,
                                                    const Matrix& items, const InterestConfig& config);

/// The interests that a request asks for, by their places in `interests`: at most config.count, all different. Drawn:
/// one after the other in proportion to importance, without those drawn before.
std::vector<std::size_t> choose_interests(std::span<const InterestCluster> interests, const InterestConfig& config,
                                          RandomStream random);

}  // namespace swipegym
