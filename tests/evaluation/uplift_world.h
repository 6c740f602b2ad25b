#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "core/random_draws.h"
#include "evaluation/uplift/uplift_rows.h"

namespace swipegym::test {

struct UpliftWorldSettings {
  int creators = 300, days = 20;
  double effect = 1.0;  // 0: watches change nothing
};

/// A small world in which the truth is known. A creator's quality, which features only hint at, brings watches and
/// uploads: who gets more watches would create more anyway. The coin brings about three watches more, half of six
/// random shows, whoever it is; each is worth `per_watch` uploads, which follows from the features.
struct UpliftWorld {
  UpliftRows rows;
  std::vector<double> per_watch, per_coin;  // [rows]
  double mean_per_watch = 0.0, mean_per_coin = 0.0;
};

inline double poisson_draw(RandomStream& random, double mean) {
  double product = random.uniform_double();
  int count = 0;
  for (const double least = std::exp(-mean); product > least; ++count) product *= random.uniform_double();
  return count;
}

inline UpliftWorld make_uplift_world(std::uint64_t seed, const UpliftWorldSettings& settings = {}) {
  UpliftWorld world;
  world.rows.num_features = 3;
  const RandomKey key = make_key(seed);
  for (int c = 0; c < settings.creators; ++c) {
    RandomStream random(split(key, static_cast<std::uint64_t>(c)));
    const double quality = draw_normal_pair(random)[0], newcomer = random.uniform_double() < 0.4 ? 1.0 : 0.0;
    for (int day = 0; day < settings.days; ++day) {
      const double hint = quality + draw_normal_pair(random)[0], idle = 2.0 * random.uniform_double() - 1.0;
      const double propensity = 0.3 + 0.3 * newcomer;
      const bool treated = random.uniform_double() < propensity;
      const double impressions = treated ? poisson_draw(random, 6.0) : 0.0;
      const double watches =
          poisson_draw(random, std::exp(1.0 + 0.7 * quality)) + poisson_draw(random, impressions / 2);
      const double per_watch = settings.effect * (0.06 + 0.04 * idle + 0.03 * newcomer);
      UpliftRows& rows = world.rows;
      rows.treated.push_back(treated ? 1 : 0);
      rows.propensity.push_back(propensity);
      rows.impressions.push_back(impressions);
      rows.exposure.push_back(watches);
      rows.outcome.push_back(poisson_draw(random, 0.5 * std::exp(0.6 * quality) + per_watch * watches));
      rows.features.insert(rows.features.end(), {hint, idle, newcomer});
      rows.creator.push_back(static_cast<std::uint32_t>(c));
      world.per_watch.push_back(per_watch);
      world.per_coin.push_back(3.0 * per_watch);
    }
  }
  for (const double effect : world.per_watch) world.mean_per_watch += effect;
  world.mean_per_watch /= static_cast<double>(world.rows.size());
  world.mean_per_coin = 3.0 * world.mean_per_watch;
  return world;
}

}  // namespace swipegym::test
