#include "evaluation/uplift/uplift_estimate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/validate.h"

namespace swipegym {
namespace {

struct CreatorSums {
  double squares = 0.0;
  std::size_t creators = 0;
};

// Sums of each creator's influences, squared and added in the order of their numbers.
CreatorSums creator_sums(std::span<const double> influence, std::span<const std::uint32_t> creator) {
  require_size("clustered error: creator", creator.size(), influence.size());
  std::vector<std::uint32_t> order(creator.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return creator[a] < creator[b]; });
  CreatorSums out;
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    double sum = 0.0;
    for (end = first; end < order.size() && creator[order[end]] == creator[order[first]]; ++end)
      sum += influence[order[end]];
    out.squares += sum * sum;
    ++out.creators;
  }
  require_that("clustered error: creator", out.creators >= 2, "two creators at least");
  return out;
}

double error_of(const CreatorSums& sums, std::size_t rows) {
  const auto creators = static_cast<double>(sums.creators);
  return std::sqrt(creators / (creators - 1.0) * sums.squares) / static_cast<double>(rows);
}

}  // namespace

double clustered_error(std::span<const double> influence, std::span<const std::uint32_t> creator) {
  return error_of(creator_sums(influence, creator), influence.size());
}

void set_average(UpliftEstimate& estimate, double mean, std::span<const std::uint32_t> creator) {
  const CreatorSums sums = creator_sums(estimate.influence, creator);
  estimate.standard_error = error_of(sums, creator.size());
  const double width = student_t975(sums.creators - 1) * estimate.standard_error;
  estimate.average = {mean, mean - width, mean + width};
}

UpliftEstimate per_watch(const UpliftEstimate& on_outcome, const UpliftEstimate& on_exposure,
                         std::span<const std::uint32_t> creator, double pull) {
  const std::size_t rows = on_outcome.tau.size();
  require_size("per_watch: tau of the exposure", on_exposure.tau.size(), rows);
  require_that("per_watch: pull", pull > 0.0, "a positive number");
  UpliftEstimate out{.name = on_outcome.name, .tau = std::vector<double>(rows), .influence = std::vector<double>(rows)};
  const double watches = on_exposure.average.mean;
  const bool defined = watches > 0.0;
  const double towards = pull * watches * pull * watches;
  const double ratio = defined ? on_outcome.average.mean / watches : kUndefined;
  for (std::size_t i = 0; i < rows; ++i) {
    const double moved = on_exposure.tau[i];
    out.tau[i] = defined ? (on_outcome.tau[i] * moved + towards * ratio) / (moved * moved + towards) : kUndefined;
    out.influence[i] = defined ? (on_outcome.influence[i] - ratio * on_exposure.influence[i]) / watches : kUndefined;
  }
  set_average(out, ratio, creator);
  out.first_stage = std::pow(watches / on_exposure.standard_error, 2);
  return out;
}

}  // namespace swipegym
