#pragma once

#include <span>

#include "core/config.h"

namespace swipegym {

/// What is known of an arm's rate of success before it is shown: Beta(alpha, beta).
struct BetaPrior {
  double alpha = 1.0, beta = 1.0;  // pseudo-counts of success and failure, each in [1e-6, 1e6]

  double mean() const noexcept { return alpha / (alpha + beta); }
  double deviation() const noexcept;
  void validate() const;  // InputError, NaN included
};

template <class Visitor>
void visit_fields(Visitor& visit, BetaPrior& prior) {
  visit("alpha", prior.alpha, between(1e-6, 1e6));
  visit("beta", prior.beta, between(1e-6, 1e6));
}

/// The prior under which rows (successes of shows) are beta-binomial draws. Counts may be fractions (decayed ones).
/// Rows without shows say nothing. Rows that vary no more than chance would give an infinite alpha + beta: it is 1e6
/// at most. InputError for counts that are negative, no numbers or more successes than shows, where fewer than two
/// rows have shows, and where all or none succeeds, which no prior fits.
///
/// Moments: alpha / (alpha + beta) is the pooled rate, and the intra-class correlation 1 / (alpha + beta + 1) is that
/// which the shows-weighted variance of the rows' rates has in expectation (Kleinman, "Proportions with extraneous
/// variance", JASA 1973).
BetaPrior fit_beta_moments(std::span<const double> successes, std::span<const double> shows);

/// Maximum likelihood, by damped Newton steps in (ln alpha, ln beta) from the moments.
BetaPrior fit_beta_likelihood(std::span<const double> successes, std::span<const double> shows);

/// ln P(successes | shows, prior), without the binomial coefficients, which do not depend on the prior.
double beta_binomial_log_likelihood(const BetaPrior& prior, std::span<const double> successes,
                                    std::span<const double> shows);

}  // namespace swipegym
