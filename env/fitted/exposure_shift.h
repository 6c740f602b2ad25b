#pragma once

#include <cstdint>
#include <string>

#include "env/catalogue.h"
#include "env/fitted/fit_log.h"
#include "env/fitted/fitted_parts.h"

namespace swipegym {

/// What was used to tell a policy's choice from the platform's.
struct ExposureEvidence {
  std::uint64_t random_rows = 0;  // random-exposure rows of the fit
  bool learned = false;           // enough of them to train the network on both kinds of exposure
  std::string words;              // one sentence for the person: rows, shrinkage, aggregates
};

/// Below this many random rows the network is trained on standard rows alone and the interventional response is a small
/// correction of it.
inline constexpr std::uint64_t kEnoughRandomRows = 5000;

struct ShiftConfig {
  double feature_deviation = 0.15;  // prior standard deviation of a correction's weight on a standardised hidden unit
  double constant_deviation = 0.5;  // prior standard deviation of its constants around the published aggregates
  std::uint64_t seed = 1;
};

/// Sets network.watch_shift and feedback_shift, what the interventional response is beside the network's own. Where the
/// network learned from both kinds of exposure: constants that fit the newest random rows, whole days of at least
/// 60,000. Else a correction of the logged response towards KuaiRand's published rates of random exposure, and towards
/// what random rows there are.
void fit_exposure(FittedParts& parts, const FitLog& log, const Catalogue& catalogue, bool learned,
                  const ShiftConfig& config);

}  // namespace swipegym
