#include "evaluation/supervised/table_resamples.h"

#include "core/parallel_for.h"
#include "core/random.h"
#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

UserResamples resample_users(const AllFigures& all, std::size_t users, std::size_t resamples, std::uint64_t seed,
                             int threads) {
  const std::size_t figures = all[0][0].size();
  UserResamples out(all.size(), std::vector<std::vector<double>>(figures, std::vector<double>(resamples)));
  const RandomKey key = split(make_key(seed), Draw::kBatch);
  parallel_for(resamples, threads, [&](std::size_t r, int) {
    std::vector<float> weight(users, 0.0F);
    RandomStream random(split(key, r));
    for (std::size_t i = 0; i < users; ++i) weight[random.below(static_cast<std::uint32_t>(users))] += 1.0F;
    for (std::size_t p = 0; p < all.size(); ++p) {
      const std::size_t seeds = all[p].size();
      std::vector<std::size_t> drawn(seeds);
      RandomStream seed_random(split(key, r), static_cast<std::uint32_t>(p + 1));
      for (std::size_t& s : drawn) s = seed_random.below(static_cast<std::uint32_t>(seeds));
      const auto n = static_cast<double>(seeds);
      std::vector<double> value(seeds);
      for (std::size_t f = 0; f < figures; ++f) {
        double mean = 0.0, of_drawn = 0.0;
        for (std::size_t s = 0; s < seeds; ++s) mean += (value[s] = all[p][s][f].value(weight)) / n;
        for (const std::size_t s : drawn) of_drawn += value[s] / n;
        out[p][f][r] = mean + (seeds < 2 ? 0.0 : seed_widening(seeds) * (of_drawn - mean));
      }
    }
  });
  return out;
}

double mean_value(const std::vector<std::vector<TableFigure>>& seeds, std::size_t figure, std::size_t users) {
  const std::vector<float> once(users, 1.0F);
  double sum = 0.0;
  for (const auto& figures : seeds) sum += figures[figure].value(once);
  return sum / static_cast<double>(seeds.size());
}

}  // namespace swipegym
