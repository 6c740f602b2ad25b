#pragma once

#include <vector>

#include "core/random.h"
#include "env/catalogue.h"
#include "env/tabular/reduce_simulator.h"
#include "env/tabular/tabular_world.h"

namespace swipegym::testing {

/// A tabular world drawn at random, with planning in it: a kind's levels and the probability of leaving depend on what
/// was shown before. Groups and kinds can be told by their features, and its watch ratios lie inside the levels of a
/// ReductionConfig, in equal numbers of groups, so that reducing its simulator gives it back.
inline TabularWorld random_world(std::uint64_t seed, const ReductionConfig& shape = {}) {
  TabularWorld world;
  world.groups = shape.user_groups;
  world.kinds = shape.duration_groups * shape.appeal_groups;
  world.levels = shape.level_edges.size() + 1;
  RandomStream random(make_key(seed));
  for (std::size_t pair = 0; pair < world.states() * world.kinds; ++pair) {
    double total = 0.0;
    std::vector<double> share(world.levels);
    for (double& one : share) total += one = 0.1 + random.uniform_double();
    for (const double one : share) {
      world.level_probability.push_back(one / total);
      const double root = random.uniform_double();
      world.leave_probability.push_back(0.01 + 0.6 * root * root * root);
    }
  }
  for (std::size_t kind = 0; kind < world.kinds; ++kind) {
    const std::size_t duration = kind / shape.appeal_groups, appeal = kind % shape.appeal_groups;
    world.duration_ms.push_back(static_cast<std::int32_t>(10'000 * (duration + 1)));
    for (std::size_t level = 0; level < world.levels; ++level) {
      const float low = level == 0 ? 0.0F : shape.level_edges[level - 1];
      const float high = level + 1 == world.levels ? low + 0.4F : shape.level_edges[level];
      world.play_ms.push_back(
          static_cast<std::int32_t>(0.5F * (low + high) * static_cast<float>(world.duration_ms[kind])));
    }
    std::vector<float> features(kVideoFeatures, 0.0F);
    features[kVideoLogDuration] = 0.5F * static_cast<float>(duration) - 0.5F;
    features[kVideoMeanRatio] = 0.3F + 0.2F * static_cast<float>(appeal);
    world.video_features.insert(world.video_features.end(), features.begin(), features.end());
  }
  for (std::size_t group = 0; group < world.groups; ++group) {
    world.group_starts.push_back(static_cast<std::uint32_t>(1000 / world.groups));
    std::vector<float> features(kUserFeatures, 0.0F);
    features[group % 6] = 1.0F;
    features[kUserMeanRatio] = 0.2F + 0.1F * static_cast<float>(group);
    world.user_features.insert(world.user_features.end(), features.begin(), features.end());
  }
  return world;
}

}  // namespace swipegym::testing
