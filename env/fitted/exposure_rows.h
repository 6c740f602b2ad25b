#pragma once

#include <cstdint>
#include <vector>

#include "env/fitted/fitted_parts.h"
#include "env/fitted/training_rows.h"
#include "env/user_model.h"
#include "nn/matrix.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Rows pushed through a fitted network up to its top hidden layers, as interventional ones: what a correction of the
/// interventional response is fitted on.
struct ExposureRows {
  Matrix top;       // [rows, watch_top]
  Matrix logits;    // [rows, kBins] before any shift, masked
  Matrix feedback;  // [rows, kNumSignals]
  std::vector<Shown> shown;
  std::vector<std::uint8_t> bin;    // what happened; empty for draws
  std::vector<SignalBits> signals;  // the same
};

/// Uniform draws of a video for a user of the log, in the main feed as random exposure has it; each user as the log up
/// to `until` left them.
ExposureRows uniform_pairs(const FittedParts& parts, const Dataset& data, std::int32_t until, std::uint64_t seed);

/// The random rows of the window from the day `from` on, each after its own real history.
ExposureRows random_rows(const FittedParts& parts, const Dataset& data, const FitWindow& window, std::int32_t from);

}  // namespace swipegym
