#pragma once

#include <cstdint>
#include <span>

#include "core/random.h"
#include "evaluation/uplift/uplift_estimate.h"
#include "evaluation/uplift/uplift_rows.h"
#include "evaluation/uplift/uplift_settings.h"

namespace swipegym {

// Estimators of what the coin does to Y, tau(x) = E[Y | heads, x] - E[Y | tails, x]. All need the propensity to be
// right and nothing else to differ between heads and tails; docs/guide/uplift.md says when each is at its best. Models
// never saw the creator whose tau they say (UpliftSettings::folds). InputError where an arm has no row to learn from.

/// The difference of the mean outcomes in each stratum, rows weighted by inverse propensity (Hajek 1971): tau is the
/// stratum's, the average is that over rows. One stratum for all is plain inverse propensity weighting. `stratum` is
/// known before the coin falls (quantile_strata of a feature or of the propensity). InputError for a stratum without
/// both arms.
UpliftEstimate difference_of_means(const UpliftRows& rows, std::span<const std::uint32_t> stratum);

/// One model of Y given X and T (Kuenzel, Sekhon, Bickel & Yu, "Metalearners for estimating heterogeneous treatment
/// effects using machine learning", PNAS 2019): tau = mu(x, 1) - mu(x, 0). T is a feature as others are, so without
/// products a ridge regression gives every row the same tau.
UpliftEstimate s_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key);

/// A model for each arm (the same): tau = mu1(x) - mu0(x).
UpliftEstimate t_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key);

/// The same models impute each row's own effect, Y - mu0(x) or mu1(x) - Y; a model of each arm's imputed effects,
/// mixed as tau = e tau0(x) + (1 - e) tau1(x).
UpliftEstimate x_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key);

/// A model of transformed_outcome(): right whatever the outcome's own shape, and noisy.
UpliftEstimate transformed_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key);

// The average of the four is not the plain mean of tau, which a penalty pulls towards 0: it adds what the known chances
// of the coin say of the models' errors, tau + (T - e) / (e (1 - e)) (Y - m(x) - (T - e) tau), where m(x) is the mean
// outcome under that chance (Robins, Rotnitzky & Zhao 1994). Its interval holds however wrong the models are.

}  // namespace swipegym
