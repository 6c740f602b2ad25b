// What random exposures change, where the truth is known: the prior of a fit's interventional effects.
//
//   exposure_prior_study [ROWS [SEEDS]]
//
// Worlds are synthetic `pure` of ROWS standard rows, SEEDS of each platform below. In each a network is fitted to the
// standard rows alone, and the effects of ExposureEffects to 30,000 random rows, under a prior too wide to matter.
// Printed are mean and deviation over all worlds of each effect, as env/fitted/exposure_prior.cpp has them, and the
// users' correlation. Seeds begin at 101, so that worlds of small seeds stay unseen.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/study_main.h"
#include "core/error.h"
#include "core/range.h"
#include "env/catalogue.h"
#include "env/fitted/exposure_shift.h"
#include "env/fitted/response_trainer.h"
#include "env/fitted/training_rows.h"
#include "evaluation/generate/synthesise.h"

namespace swipegym {
namespace {

constexpr std::size_t kRandomRows = 30000;

struct Platform {
  const char* name;
  PlatformTaste taste;
  double hidden_signal;
};
// The truth's own, one that knows less and one that knows more, and platforms that go less by popularity and more by
// what they hold to be good.
constexpr Platform kPlatforms[] = {{"own", {}, 1.0},
                                   {"half hidden", {}, 0.5},
                                   {"more hidden", {}, 1.5},
                                   {"by interest", {.popularity = 0.0F, .sharpness = 2.3F}, 1.0},
                                   {"sharp", {.popularity = 0.3F, .sharpness = 5.0F}, 1.0}};

// The standard rows, and as many random ones as are read.
Dataset thinned(const Dataset& all) {
  std::size_t random = 0;
  for (const std::uint8_t is_random : all.log.is_random) random += is_random;
  const double keep = std::min(1.0, static_cast<double>(kRandomRows) / static_cast<double>(random));
  Dataset out;
  out.users = all.users, out.videos = all.videos, out.truth = all.truth;
  std::vector<std::size_t> rows;
  RandomStream draws(make_key(7));
  out.user_offset.push_back(0);
  for (std::size_t user = 0; user + 1 < all.user_offset.size(); ++user) {
    for (std::size_t row = all.user_offset[user]; row < all.user_offset[user + 1]; ++row)
      if (all.log.is_random[row] == 0 || draws.uniform_double() < keep) rows.push_back(row);
    out.user_offset.push_back(rows.size());
  }
  const auto take = [&](const auto& from, auto& to) {
    for (const std::size_t row : rows) to.push_back(from[row]);
  };
  take(all.log.user, out.log.user), take(all.log.video, out.log.video), take(all.log.time_ms, out.log.time_ms);
  take(all.log.play_ms, out.log.play_ms), take(all.log.duration_ms, out.log.duration_ms);
  take(all.log.date, out.log.date), take(all.log.hourmin, out.log.hourmin), take(all.log.tab, out.log.tab);
  take(all.log.signals, out.log.signals), take(all.log.is_random, out.log.is_random);
  take(all.log.source_row, out.log.source_row);
  return out;
}

WatchEffects effects_in(const Dataset& data, std::uint64_t seed) {
  const FitLog log = encode_log(data, {});
  FittedParts parts;
  parts.encoder = log.encoder;
  TrainingRows rows = make_training_rows(log, 0);
  parts.clip = rows.clip;
  parts.item_dense = std::move(rows.item_dense);
  TrainerConfig trainer;
  trainer.seed = seed;
  parts.network = train_response_network(log, rows, false, trainer, {});
  const EffectPrior wide{.mean = EffectTable::Zero(), .deviation = EffectTable::Constant(3.0)};
  return fit_effects(parts, log, build_catalogue(data, 99999999), wide, seed);
}

int run(int argc, char** argv) {
  const auto given = [&](int at, const char* otherwise) { return std::string(argc > at ? argv[at] : otherwise); };
  const auto rows = parse_number<std::uint64_t>("ROWS", given(1, "150000"), between(10'000, 10'000'000));
  const auto seeds = parse_number<std::uint64_t>("SEEDS", given(2, "2"), between(1, 1'000));
  EffectTable sum = EffectTable::Zero(), squares = EffectTable::Zero(), noise = EffectTable::Zero();
  double worlds = 0.0, users = 0.0, logged = 0.0;
  std::vector<double> total;
  const auto exposures = 2 + static_cast<Eigen::Index>(ExposureTerm::kExposures);
  for (const Platform& platform : kPlatforms)
    for (std::uint64_t seed = 101; seed < 101 + seeds; ++seed) {
      const TruthOptions truth{.preset = TruthPreset::kPure, .seed = seed, .hidden_signal = platform.hidden_signal};
      const Dataset data =
          thinned(synthesise_dataset({.truth = truth, .platform = platform.taste, .standard_rows = rows}));
      const WatchEffects effects = effects_in(data, seed);
      const EffectPosterior& at = effects.posterior;
      const double beside = at.mean.row(exposures).segment<4>(1).mean();
      logged += effects.logged_exposures, total.push_back(effects.logged_exposures + beside);
      sum += at.mean, squares += at.mean.cwiseProduct(at.mean), noise += at.deviation.cwiseProduct(at.deviation);
      worlds += 1.0, users += at.user_correlation;
      fmt::print("// {}, seed {}: users {:.3f}; exposures {:+.3f} logged, {:+.3f} in all; constants", platform.name,
                 seed, at.user_correlation, effects.logged_exposures, total.back());
      for (std::size_t k = 0; k < kDirections; ++k) fmt::print(" {:+.2f}", at.mean(0, static_cast<Eigen::Index>(k)));
      fmt::print("; exposures");
      for (std::size_t k = 0; k < kDirections; ++k)
        fmt::print(" {:+.2f}", at.mean(exposures, static_cast<Eigen::Index>(k)));
      fmt::print("\n");
      std::fflush(stdout);
    }
  const EffectTable mean = sum / worlds;
  // What worlds differ by, less what each is known to, and never nothing.
  EffectTable spread = (squares / worlds - mean.cwiseProduct(mean) - noise / worlds).cwiseMax(0.02 * 0.02).cwiseSqrt();
  // Of exposures the prior holds the effect in all.
  double all = 0.0, all_squares = 0.0;
  for (const double one : total) all += one / worlds, all_squares += one * one / worlds;
  spread.row(exposures).segment<4>(1).setConstant(std::sqrt(std::max(all_squares - all * all, 0.0)));
  fmt::print("// {} worlds; users' correlation {:.3f}; logged exposures {:.3f}\n", worlds, users / worlds,
             logged / worlds);
  for (const auto& [name, table] : {std::pair{"mean", mean}, std::pair{"deviation", spread}}) {
    fmt::print("  out.{} <<", name);
    for (Eigen::Index i = 0; i < table.rows(); ++i)
      for (Eigen::Index k = 0; k < table.cols(); ++k)
        fmt::print("{}{:.3f}", i == 0 && k == 0 ? " " : k == 0 ? ",\n      " : ", ", table(i, k));
    fmt::print(";\n");
  }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
