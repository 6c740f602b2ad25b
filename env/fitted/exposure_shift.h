#pragma once

#include <cstdint>

#include "env/catalogue.h"
#include "env/fitted/exposure_posterior.h"
#include "env/fitted/fit_log.h"
#include "env/fitted/fitted_parts.h"

namespace swipegym {

/// What was used to tell a policy's choice from the platform's.
struct ExposureEvidence {
  std::uint64_t random_rows = 0;  // random-exposure rows of the fit
  std::uint64_t users = 0;        // whose they are
  double from_rows = 0.0;         // share of the effects that they decide; the prior decides the rest
  /// What a video's exposures, by a deviation more, do to the log odds of passing the click's threshold: as fitted and
  /// by the prior alone.
  double of_exposures = 0.0, prior_of_exposures = 0.0;
};

struct ShiftConfig {
  double feature_deviation = 2.0;   // times the deviations of effects over synthetic worlds: life is further off
  double constant_deviation = 0.1;  // of the constants around the published rates: scale of Student's t
  std::uint64_t seed = 1;
};

struct WatchEffects {
  EffectPosterior posterior;
  double logged_exposures = 0.0;  // see EffectPrior
};

/// Fits the interventional effects on the watch, given a prior whose constants are relative to KuaiRand's published
/// rates of random exposure, and puts them into the network. Of exposures the prior holds what they do in all: who is
/// shown an unpopular video is picked, which flattens what a log says of them, so what this network's own answers lack
/// beside those of the prior's worlds is added to the effect's mean. Effects are fitted on the newest random rows,
/// whole days of at least 60,000, or all there are.
WatchEffects fit_effects(FittedParts& parts, const FitLog& log, const Catalogue& catalogue, const EffectPrior& prior,
                         std::uint64_t seed);

/// Sets what the interventional response is beside the network's own: effects on the watch by the learned prior, and
/// constants of the signals between the published rates and those of the random rows there are. One mechanism for any
/// number of them, none included.
ExposureEvidence fit_exposure(FittedParts& parts, const FitLog& log, const Catalogue& catalogue,
                              const ShiftConfig& config);

}  // namespace swipegym
