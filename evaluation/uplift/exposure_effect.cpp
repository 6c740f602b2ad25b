#include "evaluation/uplift/exposure_effect.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/validate.h"
#include "evaluation/uplift/feature_products.h"

namespace swipegym {
namespace {

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
  constexpr Eigen::Index kBlock = 512;
  const auto size = static_cast<Eigen::Index>(controls.size()) + 1;
  Eigen::MatrixXd block(kBlock, size);
  Eigen::RowVectorXd one(size - 1);
  const auto each_block = [&](const auto& use) {
    for (Eigen::Index first = 0; first < columns.rows(); first += kBlock) {
      const Eigen::Index count = std::min(kBlock, columns.rows() - first);
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

// Coefficients of y on `regressors`, with the instruments' moments set to 0, and each row's influence on them.
struct MomentFit {
  Eigen::VectorXd beta;       // [k]
  Eigen::MatrixXd influence;  // [rows, k], mean 0
};
MomentFit fit_moments(const Eigen::VectorXd& y, const Eigen::MatrixXd& regressors, const Eigen::MatrixXd& instruments,
                      const Eigen::VectorXd& weight) {
  const auto rows = static_cast<double>(y.size());
  const Eigen::MatrixXd weighted = weight.asDiagonal() * instruments;
  const Eigen::MatrixXd matrix = weighted.transpose() * regressors / rows;
  MomentFit out;
  out.beta = solve_square(matrix, weighted.transpose() * y / rows);
  const Eigen::VectorXd error = y - regressors * out.beta;
  out.influence = solve_square(matrix, (error.asDiagonal() * weighted).transpose()).transpose();
  return out;
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
  take_out_controls(table, controls, weight, columns);
  const Eigen::VectorXd y = columns.col(0);
  const MomentFit fit = fit_moments(y, columns.middleCols(1, effects), columns.rightCols(effects), weight);

  // x has mean 0, so the first coefficient is the average of tau; that the mean is an estimate adds to its influence.
  UpliftEstimate out{.name = exposure_effect_name(instrument),
                     .tau = std::vector<double>(rows.size()),
                     .influence = std::vector<double>(rows.size())};
  for (Eigen::Index i = 0; i < n; ++i) {
    const double beyond = effects > 1 ? x.row(i).dot(fit.beta.tail(d)) : 0.0;
    out.tau[static_cast<std::size_t>(i)] = fit.beta[0] + beyond;
    out.influence[static_cast<std::size_t>(i)] = beyond + fit.influence(i, 0);
  }
  set_average(out, fit.beta[0], rows.creator);

  if (instrument != Instrument::kNone) {
    const MomentFit first = fit_moments(columns.col(1), columns.col(1 + effects), columns.col(1 + effects), weight);
    const std::vector<double> influence(first.influence.data(), first.influence.data() + n);
    out.first_stage = std::pow(first.beta[0] / clustered_error(influence, rows.creator), 2);
  }
  return out;
}

}  // namespace swipegym
