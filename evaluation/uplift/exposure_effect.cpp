#include "evaluation/uplift/exposure_effect.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "core/config.h"
#include "core/validate.h"
#include "evaluation/uplift/feature_products.h"

namespace swipegym {
namespace {

constexpr Eigen::Index kControlBlock = 512;  // rows multiplied at once

// The shortest solution: features may be sums of others, or constant.
Eigen::MatrixXd solve_square(const Eigen::MatrixXd& matrix, const Eigen::MatrixXd& right) {
  Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> solver;
  solver.setThreshold(1e-11);
  return solver.compute(matrix).solve(right);
}

// What regressions on the controls leave of each column [rows, columns], rows weighted (Frisch & Waugh 1933): the
// coefficients of a regression that has the controls too, and the influences, are those of a regression of the rests.
void take_out_controls(const FeatureTable& table, const FeatureProducts& controls, const Eigen::VectorXd& weight,
                       Eigen::MatrixXd& columns) {
  const auto size = static_cast<Eigen::Index>(controls.size()) + 1;
  Eigen::MatrixXd block(kControlBlock, size);
  Eigen::RowVectorXd one(size - 1);
  const auto each_block = [&](const auto& use) {
    for (Eigen::Index first = 0; first < columns.rows(); first += kControlBlock) {
      const Eigen::Index count = std::min(kControlBlock, columns.rows() - first);
      for (Eigen::Index i = 0; i < count; ++i) {
        controls.write(table.row(static_cast<std::size_t>(first + i)), one);
        block(i, 0) = 1.0;
        block.row(i).tail(size - 1) = one;
      }
      use(first, count);
    }
  };
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(size, size), moment = Eigen::MatrixXd::Zero(size, columns.cols());
  each_block([&](Eigen::Index first, Eigen::Index count) {
    const Eigen::MatrixXd weighted = weight.segment(first, count).asDiagonal() * block.topRows(count);
    gram.noalias() += weighted.transpose() * block.topRows(count);
    moment.noalias() += weighted.transpose() * columns.middleRows(first, count);
  });
  const Eigen::MatrixXd coefficients = solve_square(gram, moment);
  each_block([&](Eigen::Index first, Eigen::Index count) {
    columns.middleRows(first, count).noalias() -= block.topRows(count) * coefficients;
  });
}

// The coefficient of y on `regressor` for which the instrument's moment is 0, and each row's influence on it.
struct MomentFit {
  double beta = 0.0;
  std::vector<double> influence;  // [rows], mean 0
};
MomentFit fit_moment(const Eigen::VectorXd& y, const Eigen::VectorXd& regressor, const Eigen::VectorXd& instrument,
                     const Eigen::VectorXd& weight) {
  const Eigen::VectorXd weighted = weight.cwiseProduct(instrument);
  const double moved = weighted.dot(regressor);
  MomentFit out;
  out.beta = weighted.dot(y) / moved;
  const Eigen::VectorXd influence =
      (y - out.beta * regressor).cwiseProduct(weighted) * (static_cast<double>(y.size()) / moved);
  out.influence.assign(influence.begin(), influence.end());
  return out;
}

// The sums of a regression of y on what the instruments tell of W and W x.
struct SecondStage {
  Eigen::MatrixXd gram;
  Eigen::VectorXd moment;
  double squares = 0.0;
};
Eigen::VectorXd solve_penalised(const SecondStage& sums, double penalty) {
  Eigen::MatrixXd gram = sums.gram;
  for (Eigen::Index c = 1; c < gram.rows(); ++c) gram(c, c) *= 1.0 + penalty;
  return solve_square(gram, sums.moment);
}

// Coefficients of y on W and W x, the latter penalised.
Eigen::VectorXd fit_varied(const Eigen::MatrixXd& columns, const Eigen::VectorXd& weight,
                           std::span<const std::uint32_t> creator, const ExposureSettings& settings) {
  const Eigen::Index effects = (columns.cols() - 1) / 2;
  const auto y = columns.col(0);
  const auto regressors = columns.middleCols(1, effects), instruments = columns.rightCols(effects);
  const Eigen::MatrixXd weighted = weight.asDiagonal() * instruments;
  const Eigen::MatrixXd told =
      instruments * solve_square(weighted.transpose() * instruments, weighted.transpose() * regressors);
  const auto folds = static_cast<std::size_t>(settings.penalties.size() > 1 ? settings.penalty_folds : 1);
  const std::vector<std::uint32_t> fold = creator_folds(creator, folds, RandomKey{});
  std::vector<SecondStage> sums(folds, {Eigen::MatrixXd::Zero(effects, effects), Eigen::VectorXd::Zero(effects)});
  SecondStage all = sums[0];
  for (std::size_t f = 0; f < folds; ++f) {
    Eigen::VectorXd here = weight;
    for (std::size_t i = 0; i < fold.size(); ++i)
      if (fold[i] != f) here[static_cast<Eigen::Index>(i)] = 0.0;
    sums[f].gram = told.transpose() * here.asDiagonal() * told;
    sums[f].moment = told.transpose() * here.cwiseProduct(y);
    sums[f].squares = here.dot(y.cwiseAbs2());
    all.gram += sums[f].gram, all.moment += sums[f].moment;
  }
  double least = std::numeric_limits<double>::infinity(), chosen = settings.penalties[0];
  for (const double penalty : settings.penalties) {
    double error = 0.0;
    for (const SecondStage& held_out : sums) {
      const Eigen::VectorXd beta = solve_penalised({all.gram - held_out.gram, all.moment - held_out.moment}, penalty);
      error += held_out.squares - 2.0 * beta.dot(held_out.moment) + beta.dot(held_out.gram * beta);
    }
    if (folds > 1 && error < least) least = error, chosen = penalty;
  }
  return solve_penalised(all, chosen);
}

}  // namespace

std::string_view exposure_effect_name(Instrument instrument) noexcept {
  switch (instrument) {
    case Instrument::kTreatment:
      return "instrument: treatment";
    case Instrument::kImpressions:
      return "instrument: impressions";
    default:
      return "naive regression";
  }
}

UpliftEstimate exposure_effect(const UpliftRows& rows, Instrument instrument, const ExposureSettings& settings) {
  rows.validate();
  check_ranges(settings);
  require_size("uplift rows: exposure", rows.exposure.size(), rows.size());
  if (instrument == Instrument::kImpressions)
    require_size("uplift rows: impressions", rows.impressions.size(), rows.size());
  const auto n = static_cast<Eigen::Index>(rows.size()), d = static_cast<Eigen::Index>(rows.num_features);
  const FeatureTable table{.width = rows.num_features, .values = rows.features};
  std::vector<std::uint32_t> all(rows.size());
  std::iota(all.begin(), all.end(), 0U);
  const FeatureProducts features(table, all, false), controls(table, all, settings.products);

  // y; W, W x; then the instruments in their place.
  const Eigen::Index effects = 1 + (settings.heterogeneous ? d : 0);
  Eigen::MatrixXd columns(n, 1 + 2 * effects), x(n, d);
  Eigen::VectorXd weight(n);
  Eigen::RowVectorXd one(d);
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    features.write(table.row(row), one);
    x.row(i) = one;
    const double w = rows.exposure[row];
    const double z = instrument == Instrument::kNone        ? w
                     : instrument == Instrument::kTreatment ? static_cast<double>(rows.treated[row])
                                                            : rows.impressions[row];
    weight[i] = instrument == Instrument::kNone ? 1.0 : inverse_propensity(rows, row);
    columns(i, 0) = rows.outcome[row];
    columns(i, 1) = w, columns(i, 1 + effects) = z;
    for (Eigen::Index c = 1; c < effects; ++c)
      columns(i, 1 + c) = w * one[c - 1], columns(i, 1 + effects + c) = z * one[c - 1];
  }
  const double sizes[] = {columns.col(1).norm(), columns.col(1 + effects).norm()};
  take_out_controls(table, controls, weight, columns);
  require_that("exposure effect",
               columns.col(1).norm() > 1e-9 * sizes[0] && columns.col(1 + effects).norm() > 1e-9 * sizes[1],
               "an exposure, or an instrument, that varies among rows of the same features");
  const MomentFit one_for_all = fit_moment(columns.col(0), columns.col(1), columns.col(1 + effects), weight);
  const Eigen::VectorXd beta = effects > 1 ? fit_varied(columns, weight, rows.creator, settings)
                                           : Eigen::VectorXd::Constant(1, one_for_all.beta);
  UpliftEstimate out{.name = exposure_effect_name(instrument),
                     .tau = std::vector<double>(rows.size()),
                     .influence = one_for_all.influence};
  for (Eigen::Index i = 0; i < n; ++i)
    out.tau[static_cast<std::size_t>(i)] = beta[0] + (effects > 1 ? x.row(i).dot(beta.tail(d)) : 0.0);
  set_average(out, one_for_all.beta, rows.creator);
  if (instrument != Instrument::kNone) {
    const MomentFit first = fit_moment(columns.col(1), columns.col(1 + effects), columns.col(1 + effects), weight);
    out.first_stage = std::pow(first.beta / clustered_error(first.influence, rows.creator), 2);
  }
  return out;
}

}  // namespace swipegym
