#pragma once

namespace swipegym {

/// d/dx ln Gamma(x) and its derivative, x > 0; to 1e-12 relative or absolute, whichever is larger (recurrence to
/// x >= 10, then the asymptotic series; Abramowitz & Stegun 6.3.18 and 6.4.12).
double digamma(double x) noexcept;
double trigamma(double x) noexcept;

/// P(X <= x) of X ~ Beta(a, b), a, b > 0: the regularised incomplete beta function, by its continued fraction (DLMF
/// 8.17.22) with Lentz's algorithm.
double beta_cdf(double a, double b, double x) noexcept;

/// The x with beta_cdf(a, b, x) = level, level in [0, 1]: Newton's steps within a bracket, to 1e-12 of x.
double beta_quantile(double a, double b, double level) noexcept;

}  // namespace swipegym
