#pragma once

#include <cstdint>
#include <span>

#include "core/random.h"
#include "policy/bandit/beta_arms.h"

namespace swipegym {

/// What each rule gives the arms of a list, higher is better: `out` is [list]. best_slate() chooses from it. The list
/// is any part of the arms. InputError for an empty list, an id that was never given, or an `out` of another size.

/// The posterior mean: greedy.
void score_means(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out);

/// successes / shows, and `unseen` for an arm without shows: greedy without a prior.
void score_rates(const BetaArms& arms, std::span<const std::uint32_t> list, double unseen, std::span<double> out);

/// UCB1: rate + width sqrt(2 ln total / shows), infinite for an arm without shows (Auer, Cesa-Bianchi & Fischer,
/// "Finite-time analysis of the multiarmed bandit problem", 2002: width 1, total all shows so far, >= 1).
void score_ucb1(const BetaArms& arms, std::span<const std::uint32_t> list, double total, double width,
                std::span<double> out);

/// Bayes-UCB (Kaufmann, Cappe & Garivier, AISTATS 2012), the posterior's upper quantile: by the normal approximation,
/// mean + z deviation; or exactly, for a level in (0, 1), which takes a microsecond or two an arm.
void score_bayes_ucb(const BetaArms& arms, std::span<const std::uint32_t> list, double z, std::span<double> out);
void score_bayes_quantile(const BetaArms& arms, std::span<const std::uint32_t> list, double level,
                          std::span<double> out);

/// A draw from each posterior (Thompson 1933). Under one key an arm's draw is the same whatever else is on the list.
void score_thompson(const BetaArms& arms, std::span<const std::uint32_t> list, RandomKey key, std::span<double> out);

/// No scores but what buckets are made of: the posterior's deviations, and shows.
void list_deviations(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out);
void list_shows(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out);

}  // namespace swipegym
