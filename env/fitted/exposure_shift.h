#pragma once

#include <cstdint>
#include <string>

#include "env/fitted/fitted_user_model.h"
#include "env/fitted/training_rows.h"
#include "sim_data/dataset.h"

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

/// Of a network trained on both kinds of exposure: constants that bring what it says of the newest random rows of
/// the fit, whole days of at least 60,000, to what they were. Training on far more standard rows, with weights that
/// decay, leaves its interventional answers a few per cent high (on synthetic `pure` 4 % of the seconds).
void calibrate_exposure(FittedParts& parts, const Dataset& data, const FitWindow& window, const ShiftConfig& config);

/// Sets model.network.watch_shift and feedback_shift: first the constants that bring uniform draws of (user, video) in
/// tab 1 to KuaiRand's published rates of random exposure, then the maximum a posteriori correction, linear in the top
/// hidden layer, given the random rows up to `until`.
void fit_exposure_shift(FittedParts& parts, const Dataset& data, std::int32_t until, const ShiftConfig& config);

}  // namespace swipegym
