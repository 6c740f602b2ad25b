#include "policy/bandit/beta_prior.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "core/special_functions.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr double kLeastCount = 1e-6, kMostCount = 1e6;

/// Rows with the same counts, which are many among rarely shown arms, once.
struct CountRow {
  double successes, shows, rows;
};

std::vector<CountRow> gather_counts(std::span<const double> successes, std::span<const double> shows) {
  require_size("shows", shows.size(), successes.size());
  require_between("shows", shows, 0.0, 1e15);
  require_between("successes", successes, 0.0, 1e15);
  std::vector<CountRow> rows;
  for (std::size_t i = 0; i < shows.size(); ++i) {
    if (successes[i] > shows[i])
      throw InputError(fmt::format("successes[{}] is {}, expected at most its shows, {}", i, successes[i], shows[i]));
    if (shows[i] > 0.0) rows.push_back({successes[i], shows[i], 1.0});
  }
  if (rows.size() < 2)
    throw InputError(fmt::format("a prior is fitted to rows with shows, got {}: expected at least 2", rows.size()));
  std::sort(rows.begin(), rows.end(), [](const CountRow& a, const CountRow& b) {
    return std::tie(a.shows, a.successes) < std::tie(b.shows, b.successes);
  });
  std::vector<CountRow> distinct;
  for (const CountRow& row : rows) {
    if (!distinct.empty() && distinct.back().shows == row.shows && distinct.back().successes == row.successes)
      distinct.back().rows += 1.0;
    else
      distinct.push_back(row);
  }
  return distinct;
}

BetaPrior bounded(double alpha, double beta) {
  const double excess = std::max(1.0, (alpha + beta) / kMostCount);  // keeps the mean
  return {std::clamp(alpha / excess, kLeastCount, kMostCount), std::clamp(beta / excess, kLeastCount, kMostCount)};
}

BetaPrior moments(const std::vector<CountRow>& rows) {
  double successes = 0.0, shows = 0.0, count = 0.0;
  for (const CountRow& row : rows)
    successes += row.rows * row.successes, shows += row.rows * row.shows, count += row.rows;
  const double mean = successes / shows, chance = mean * (1.0 - mean);
  if (!(chance > 0.0))
    throw InputError(fmt::format("a prior is fitted to rows of which {} succeeds: no Beta fits",
                                 mean > 0.0 ? "every show" : "no show"));
  double spread = 0.0, weight = 0.0;
  for (const CountRow& row : rows) {
    const double away = row.successes / row.shows - mean;
    spread += row.rows * row.shows * away * away;
    weight += row.rows * (1.0 - row.shows / shows) * (row.shows - 1.0);
  }
  const double least = 1.0 / (kMostCount + 1.0);  // correlation where the sum of pseudo-counts is the largest one
  const double correlation = weight > 0.0 ? (spread / chance - (count - 1.0)) / weight : least;
  const double sum = 1.0 / std::clamp(correlation, least, 0.99) - 1.0;
  return bounded(mean * sum, (1.0 - mean) * sum);
}

double log_likelihood(const BetaPrior& prior, const std::vector<CountRow>& rows) {
  const double a = prior.alpha, b = prior.beta;
  const double own = std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  double sum = 0.0;
  for (const CountRow& row : rows)
    sum += row.rows * (own + std::lgamma(a + row.successes) + std::lgamma(b + row.shows - row.successes) -
                       std::lgamma(a + b + row.shows));
  return sum;
}

/// First and second derivatives of the log-likelihood by (ln alpha, ln beta).
struct Curvature {
  std::array<double, 2> slope{};
  double aa = 0.0, ab = 0.0, bb = 0.0;
};

Curvature curvature(const BetaPrior& prior, const std::vector<CountRow>& rows) {
  const double a = prior.alpha, b = prior.beta;
  const double both = digamma(a + b), one = digamma(a), other = digamma(b);
  const double both2 = trigamma(a + b), one2 = trigamma(a), other2 = trigamma(b);
  double by_a = 0.0, by_b = 0.0, by_aa = 0.0, by_ab = 0.0, by_bb = 0.0;
  for (const CountRow& row : rows) {
    const double sum = both - digamma(a + b + row.shows), sum2 = both2 - trigamma(a + b + row.shows);
    by_a += row.rows * (digamma(a + row.successes) - one + sum);
    by_b += row.rows * (digamma(b + row.shows - row.successes) - other + sum);
    by_aa += row.rows * (trigamma(a + row.successes) - one2 + sum2);
    by_bb += row.rows * (trigamma(b + row.shows - row.successes) - other2 + sum2);
    by_ab += row.rows * sum2;
  }
  return {{a * by_a, b * by_b}, a * a * by_aa + a * by_a, a * b * by_ab, b * b * by_bb + b * by_b};
}

}  // namespace

double BetaPrior::deviation() const noexcept {
  const double sum = alpha + beta;
  return std::sqrt(alpha * beta / (sum * sum * (sum + 1.0)));
}

void BetaPrior::validate() const {
  require_between("prior.alpha", alpha, kLeastCount, kMostCount);
  require_between("prior.beta", beta, kLeastCount, kMostCount);
}

BetaPrior fit_beta_moments(std::span<const double> successes, std::span<const double> shows) {
  return moments(gather_counts(successes, shows));
}

BetaPrior fit_beta_likelihood(std::span<const double> successes, std::span<const double> shows) {
  const std::vector<CountRow> rows = gather_counts(successes, shows);
  BetaPrior prior = moments(rows);
  double reached = log_likelihood(prior, rows), damping = 1e-3;
  for (int step = 0; step < 500; ++step) {
    const Curvature at = curvature(prior, rows);
    // (-H + damping |diag|) step = slope; more damping until the likelihood rises, which it does for small steps.
    const double aa = -at.aa + damping * (std::abs(at.aa) + 1e-12), bb = -at.bb + damping * (std::abs(at.bb) + 1e-12);
    const double determinant = aa * bb - at.ab * at.ab;
    if (aa > 0.0 && determinant > 0.0) {
      const double along_a = (bb * at.slope[0] + at.ab * at.slope[1]) / determinant;
      const double along_b = (at.ab * at.slope[0] + aa * at.slope[1]) / determinant;
      const BetaPrior next = bounded(prior.alpha * std::exp(std::clamp(along_a, -2.0, 2.0)),
                                     prior.beta * std::exp(std::clamp(along_b, -2.0, 2.0)));
      const double value = log_likelihood(next, rows);
      if (value >= reached) {
        const double moved = std::max(std::abs(next.alpha / prior.alpha - 1.0), std::abs(next.beta / prior.beta - 1.0));
        prior = next, reached = value, damping = std::max(1e-9, damping / 10.0);
        if (moved < 1e-10) break;
        continue;
      }
    }
    damping *= 10.0;
    if (damping > 1e12) break;  // as high as rounding lets one see
  }
  return prior;
}

double beta_binomial_log_likelihood(const BetaPrior& prior, std::span<const double> successes,
                                    std::span<const double> shows) {
  prior.validate();
  return log_likelihood(prior, gather_counts(successes, shows));
}

}  // namespace swipegym
