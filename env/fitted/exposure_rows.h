#pragma once

#include <cstdint>
#include <vector>

#include "env/catalogue.h"
#include "env/fitted/fit_log.h"
#include "env/fitted/fitted_parts.h"
#include "env/user_model.h"
#include "nn/matrix.h"

namespace swipegym {

/// Rows pushed through a fitted network up to its top hidden layers, as interventional ones: what a correction of the
/// interventional response is fitted on.
struct ExposureRows {
  Matrix top;       // [rows, watch_top]
  Matrix logits;    // [rows, kBins] before any shift, masked
  Matrix feedback;  // [rows, kNumSignals]
  Matrix numbers;   // [rows, 4] activity, exposures, level and length, see ExposureEffects
  std::vector<Shown> shown;
  std::vector<std::uint8_t> bin;    // what happened; empty for draws
  std::vector<SignalBits> signals;  // the same
};

/// Uniform draws of a video for a user of the log, in the main feed as random exposure has it; each user as the log
/// left them.
ExposureRows uniform_pairs(const FittedParts& parts, const FitLog& log, const Catalogue& catalogue, std::uint64_t seed);

/// The fold's random rows with a known duration from day `from` on, in the order of users, each after its own real
/// history. What they are told of videos is what the end of the log tells, less all that their own user did: no row
/// sees its answer, nor what the same person made of other videos.
ExposureRows random_rows(const FittedParts& parts, const FitLog& log, std::int32_t from);

/// The latest day from which the fold has `count` random rows, or 0 when it has fewer.
std::int32_t day_of_last_random_rows(const FitLog& log, std::size_t count);

}  // namespace swipegym
