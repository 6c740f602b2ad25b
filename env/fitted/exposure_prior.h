#pragma once

#include "env/fitted/exposure_posterior.h"

namespace swipegym {

/// What random exposures change, where the truth is known: mean and deviation over synthetic worlds of each effect on
/// the watch of a network fitted to standard rows alone. Made by `exposure_prior_study` (bench/), see
/// docs/guide/simulator.md. Its constants are 0: fit_exposure() puts KuaiRand's published rates there.
EffectPrior learned_effect_prior();

}  // namespace swipegym
