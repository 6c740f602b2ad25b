#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"

namespace swipegym {

/// What estimators of uplift learn from. A row is a creator's day. A coin is thrown for it with a known chance: heads,
/// the day's uploads were eligible for the part of a flow that shows at random. Estimators know nothing of the world
/// that made the rows.
struct UpliftRows {
  std::vector<std::uint8_t> treated;   // T: 1 for heads
  std::vector<double> propensity;      // e: chance of heads that was set for the row, inside (0, 1)
  std::vector<double> exposure;        // W: watches of the day, however they came; empty: not known
  std::vector<double> impressions;     // Z: shows of the day that were drawn at random; empty: not known
  std::vector<double> outcome;         // Y: uploads in the days that follow
  std::size_t num_features = 0;        // d
  std::vector<double> features;        // X [rows, d], row-major, known before the coin falls
  std::vector<std::uint32_t> creator;  // whose days are not independent of each other

  std::size_t size() const noexcept { return treated.size(); }
  std::span<const double> feature_row(std::size_t row) const noexcept {
    return {features.data() + row * num_features, num_features};
  }
  /// Throws InputError unless sizes fit, numbers are finite, chances lie inside (0, 1), W and Z are not negative, and
  /// there are two creators.
  void validate() const;
};

/// The same rows with W in the place of Y: what the coin does to the watches, by any estimator. InputError without W.
UpliftRows with_exposure_as_outcome(UpliftRows rows);

/// What 1 treated and 1 other row count by inverse propensity: 1 / e and 1 / (1 - e).
double inverse_propensity(const UpliftRows& rows, std::size_t row) noexcept;

/// Y (T - e) / (e (1 - e)), whose expectation given X is the effect of the coin (Athey & Imbens, "Recursive
/// partitioning for heterogeneous causal effects", PNAS 2016). [rows]
std::vector<double> transformed_outcome(const UpliftRows& rows);

/// Numbers of strata in [0, count) of about equally many values each, by quantiles; equal values share one, so there
/// may be fewer. Strata are numbered without gaps.
std::vector<std::uint32_t> quantile_strata(std::span<const double> values, std::size_t count);

/// The fold in [0, folds) of each row's creator, drawn from `key`.
std::vector<std::uint32_t> creator_folds(std::span<const std::uint32_t> creator, std::size_t folds, RandomKey key);

}  // namespace swipegym
