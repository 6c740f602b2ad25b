#include "evaluation/uplift/uplift_rows.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/validate.h"

namespace swipegym {

void UpliftRows::validate() const {
  const std::size_t rows = size();
  require_that("uplift rows", rows > 0, "at least one row");
  require_between("uplift rows: treated", std::span(treated), std::uint8_t{0}, std::uint8_t{1});
  require_size("uplift rows: propensity", propensity.size(), rows);
  // Below a chance of 1e-9 one row would outweigh all others together.
  require_between("uplift rows: propensity", std::span(propensity), 1e-9, 1.0 - 1e-9);
  require_size("uplift rows: exposure", exposure.size(), exposure.empty() ? 0 : rows);
  require_between("uplift rows: exposure", std::span(exposure), 0.0, std::numeric_limits<double>::max());
  require_size("uplift rows: impressions", impressions.size(), impressions.empty() ? 0 : rows);
  require_between("uplift rows: impressions", std::span(impressions), 0.0, std::numeric_limits<double>::max());
  require_size("uplift rows: outcome", outcome.size(), rows);
  require_finite("uplift rows: outcome", std::span(outcome));
  require_size("uplift rows: features", features.size(), rows * num_features);
  require_finite("uplift rows: features", std::span(features));
  require_size("uplift rows: creator", creator.size(), rows);
  require_that("uplift rows: creator",
               std::any_of(creator.begin(), creator.end(), [this](std::uint32_t c) { return c != creator[0]; }),
               "two creators at least");
}

UpliftRows with_exposure_as_outcome(UpliftRows rows) {
  require_size("uplift rows: exposure", rows.exposure.size(), rows.size());
  rows.outcome = rows.exposure;
  return rows;
}

double inverse_propensity(const UpliftRows& rows, std::size_t row) noexcept {
  return 1.0 / (rows.treated[row] != 0 ? rows.propensity[row] : 1.0 - rows.propensity[row]);
}

std::vector<double> transformed_outcome(const UpliftRows& rows) {
  std::vector<double> out(rows.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = (rows.treated[i] != 0 ? 1.0 : -1.0) * rows.outcome[i] * inverse_propensity(rows, i);
  return out;
}

std::vector<std::uint32_t> quantile_strata(std::span<const double> values, std::size_t count) {
  require_finite("quantile_strata: value", values);
  require_that("quantile_strata: count", count > 0, "at least 1");
  std::vector<std::uint32_t> order(values.size()), out(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  std::uint32_t stratum = 0;
  std::size_t share = 0;  // of `count`, into which the stratum's first value falls
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t here = i * count / order.size();
    if (here > share && values[order[i]] != values[order[i - 1]]) ++stratum, share = here;
    out[order[i]] = stratum;
  }
  return out;
}

std::vector<std::uint32_t> creator_folds(std::span<const std::uint32_t> creator, std::size_t folds, RandomKey key) {
  std::vector<std::uint32_t> out(creator.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = RandomStream(split(key, creator[i])).below(static_cast<std::uint32_t>(folds));
  return out;
}

}  // namespace swipegym
