#pragma once

#include <string_view>

#include "evaluation/uplift/uplift_estimate.h"
#include "evaluation/uplift/uplift_rows.h"

namespace swipegym {

/// What takes the place of W where W itself may go with what also moves Y.
enum class Instrument {
  kNone,         // W itself: the naive regression of Y on what was shown
  kTreatment,    // the coin T
  kImpressions,  // Z, the shows that were drawn at random
};

struct ExposureSettings {
  bool products = true;       // controls: products and squares of features beside them
  bool heterogeneous = true;  // tau(x) = b0 + b (x - mean x), instruments alike; else one tau for all rows
};

/// The effect on Y of one more watch, by a regression of Y on W and W x with x and a constant held fixed. With an
/// instrument it is two-stage least squares (Angrist & Pischke, "Mostly harmless econometrics", 2009, 4.1-4.2), rows
/// weighted by inverse propensity: as many instruments as effects, T or Z and their products with x. Then it is right
/// where the instrument moves Y through W alone, as an average of tau with more weight on rows whose W it moves more.
/// With kNone it is ordinary least squares, and biased as soon as good creators get more watches for reasons x does not
/// tell. InputError where W, or the instrument asked for, is not known.
UpliftEstimate exposure_effect(const UpliftRows& rows, Instrument instrument, const ExposureSettings& settings = {});

/// "naive regression", "instrument: treatment", "instrument: impressions".
std::string_view exposure_effect_name(Instrument instrument) noexcept;

}  // namespace swipegym
