#pragma once

#include <string_view>
#include <vector>

#include "core/range.h"
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
  bool heterogeneous = true;  // tau(x) = b0 + b x, x of mean 0, instruments alike; else one tau for all rows
  // b is penalised by so much of its columns' sums of squares, by cross-validation over creators where there are
  // several: rows whose W hardly moves tell nothing of tau, and a line through the others would be believed there.
  std::vector<double> penalties = {0.0, 0.01, 0.1, 1.0, 10.0};
  int penalty_folds = 5;
};

template <class Visitor>
void visit_fields(Visitor& visit, ExposureSettings& settings) {
  visit("products", settings.products);
  visit("heterogeneous", settings.heterogeneous);
  visit("penalties", settings.penalties, between(0, 1e6), lengths(1, 32));
  visit("penalty_folds", settings.penalty_folds, between(2, 100));
}

/// The effect on Y of one more watch, by a regression of Y on W with x and a constant held fixed. With an instrument it
/// is two-stage least squares (Angrist & Pischke, "Mostly harmless econometrics", 2009, 4.1-4.2), rows weighted by
/// inverse propensity. Then it is right where the instrument moves Y through W alone. With kNone it is ordinary least
/// squares, and biased as soon as good creators get more watches for reasons x does not tell.
///
/// The average is that of one effect for all, which counts rows by how much the instrument moves their W. tau comes of
/// the same regression with W x beside W and the instrument times x beside it. InputError where W, or the instrument
/// asked for, is not known.
UpliftEstimate exposure_effect(const UpliftRows& rows, Instrument instrument, const ExposureSettings& settings = {});

/// "naive regression", "instrument: treatment", "instrument: impressions".
std::string_view exposure_effect_name(Instrument instrument) noexcept;

}  // namespace swipegym
