#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "evaluation/metrics/bootstrap.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// What somebody expected of a random exposure before it was answered.
struct ExpectedAnswer {
  std::uint32_t log_row = 0;
  float watch_s = 0.0F;                  // mean play time
  float click = 0.0F, long_view = 0.0F;  // probabilities
};

/// Of a row as a RowPrediction or a TruthPrediction has it.
template <class Prediction>
ExpectedAnswer expected_answer(const Prediction& row) {
  const auto of = [&](Signal signal) { return row.probability[static_cast<std::size_t>(signal)]; };
  return {
      .log_row = row.log_row, .watch_s = row.watch_s, .click = of(Signal::kClick), .long_view = of(Signal::kLongView)};
}

/// What is compared: seconds played, at most five times the duration; that as a share of the duration; two signals.
inline constexpr std::array<std::string_view, 4> kChoiceFigures = {"watch_s", "watch_ratio", "is_click", "long_view"};
using ChoiceMeans = std::array<double, kChoiceFigures.size()>;

/// A quarter of the rows, by the order of a stratum.
struct ChoiceQuarter {
  double from = 0.0;  // the least value in it
  std::uint64_t rows = 0;
  ChoiceMeans life{}, expected{};  // NaN without rows
};

/// The rows in the order of something known before they were shown; equal values in file order.
struct ChoiceStratum {
  std::string name;
  std::array<ChoiceQuarter, 4> quarter;
  /// Life less expected in the upper half of the rows, less the same in the lower half: 0 where an effect is seen as
  /// large as it is, above 0 where it is seen too small.
  std::array<Interval, kChoiceFigures.size()> excess;
};

/// Seconds a video of a policy that takes the highest score of m videos drawn uniformly from the pool.
struct ChoiceValue {
  std::string policy;
  double life = 0.0, expected = 0.0;
  Interval life_lift, expected_lift, gap;  // over random choice; gap: life's less the expected one. 0 of random itself
  double effective_rows = 0.0;             // how many rows of its own the weighted ones are worth, (sum w)^2 / sum w^2
};

/// Kendall's tau: (pairs of policies in the same order in both, less those in the opposite one) / pairs.
struct ChoiceOrder {
  std::uint64_t pairs = 0;
  double tau = 0.0;  // NaN without pairs
};

struct ChoiceReport {
  std::uint64_t rows = 0, users = 0, pool = 0;
  std::size_t candidates = 0, resamples = 0;
  std::int32_t known_until = 0;
  std::vector<ChoiceStratum> strata;
  std::vector<ChoiceValue> policies;  // random first
  ChoiceOrder all, told_apart;        // pairs; those whose difference in life has an interval without 0
};

struct ChoiceOptions {
  std::int32_t known_until = 99999999;  // yyyymmdd; videos and users are sorted by standard rows up to this day
  std::size_t candidates = 10;          // m, at least 1
  std::size_t resamples = 2000;
  std::uint64_t seed = 1;
  int threads = 0;
};

/// What random exposures say of choices: does the simulator see what makes a video good, and how much a policy gains by
/// it? A random exposure is drawn, so an answer to it is what the choice of that video causes.
///
/// A policy that takes the best of m uniform draws (with replacement) shows video v with probability proportional to
/// F(v)^(m-1), where F is the share of the pool that scores lower, ties counting half. The rows weighted so, divided by
/// the sum of weights, are its value in life (the self-normalised estimator: Swaminathan and Joachims, NeurIPS 2015).
/// What the simulator expects is weighed on the same rows, so the difference is the simulator's and not the draw's.
///
/// Intervals are 95 % percentiles of a bootstrap over users; resamples in which a figure has no rows are left out.
/// Throws InputError without answers, for a row that is not of the random log, for figures that are not finite, and
/// where no standard row is known. The order of `answers` and the number of threads change nothing.
ChoiceReport check_choices(const Dataset& data, std::span<const ExpectedAnswer> answers, const ChoiceOptions& options);

/// {rows, users, pool, candidates, resamples, known_until, strata: {name: {quarters: [{from, rows, life, simulated}],
/// excess: {figure: interval}}}, policies: {name: {life, simulated, life_lift, simulated_lift, gap_of_lift,
/// effective_rows}}, tau, pairs, tau_told_apart, pairs_told_apart}.
Json to_json(const ChoiceReport& report);

/// The tables as text, for people; `brief` leaves out the quarters.
std::string to_text(const ChoiceReport& report, std::string_view title, bool brief = false);

}  // namespace swipegym
