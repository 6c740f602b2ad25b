#include "env/fitted/exposure_shift.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>

#include "env/fitted/exposure_rows.h"
#include "env/fitted/published_aggregates.h"
#include "nn/fast_math.h"
#include "nn/losses.h"

namespace swipegym {

namespace {

// The directions in which a correction may move the watch distribution: one for each segment but the first skip, and a
// slope inside the long segments, so that a few hundred rows cannot carve single bins.
constexpr std::size_t kDirections = 7;
// With a month's earlier random rows among them, before which histories are short, the days to come would be missed by
// 2 %.
constexpr std::size_t kCalibrationRows = 60000;

Matrix directions() {
  Matrix out = Matrix::Zero(kDirections, WatchGrid::kBins);
  const auto segment = [&](Eigen::Index row, std::size_t s) {
    out.row(row)
        .segment(static_cast<Eigen::Index>(WatchGrid::kFirst[s]), static_cast<Eigen::Index>(WatchGrid::kBinsOf[s]))
        .setOnes();
  };
  const auto slope = [&](Eigen::Index row, std::size_t s) {
    for (std::size_t i = 0; i < WatchGrid::kBinsOf[s]; ++i)
      out(row, static_cast<Eigen::Index>(WatchGrid::kFirst[s] + i)) =
          2.0F * (static_cast<float>(i) + 0.5F) / static_cast<float>(WatchGrid::kBinsOf[s]) - 1.0F;
  };
  segment(0, 0), segment(1, 2), segment(2, 3), segment(3, 4), segment(4, 5), slope(5, 1), slope(6, 3);
  return out;
}

struct Masses {
  double middle = 0, upper = 0, complete = 0, ratio = 0;
};

// Adds the constants (weights on directions) to all rows and measures what a uniform policy would see.
Matrix shifted_probabilities(const ExposureRows& rows, const Matrix& constant_shift) {
  Matrix p = rows.logits;
  p.rowwise() += constant_shift.row(0);
  softmax_rows<float>(p);
  return p;
}

Masses measure(const FittedParts& parts, const ExposureRows& rows, const Matrix& p) {
  Masses sum;
  std::array<float, WatchGrid::kBins> play{};
  for (Eigen::Index i = 0; i < p.rows(); ++i) {
    const auto from = [&](std::size_t s) {
      return p.row(i)
          .segment(static_cast<Eigen::Index>(WatchGrid::kFirst[s]), static_cast<Eigen::Index>(WatchGrid::kBinsOf[s]))
          .sum();
    };
    const std::int32_t duration = rows.shown[static_cast<std::size_t>(i)].duration_ms;
    sum.middle += from(2), sum.upper += from(3), sum.complete += from(4) + from(5);
    parts.encoder.grid.mean_play_ms(duration, play);
    double mean = 0;
    for (std::size_t k = 0; k < WatchGrid::kBins; ++k) mean += p(i, static_cast<Eigen::Index>(k)) * play[k];
    sum.ratio += mean / duration;
  }
  const auto n = static_cast<double>(p.rows());
  return {sum.middle / n, sum.upper / n, sum.complete / n, sum.ratio / n};
}

// The constants that bring uniform draws to the published rates, by damped multiplicative steps.
Matrix constants_from_aggregates(const FittedParts& parts, const ExposureRows& rows, const Matrix& basis) {
  Matrix constants = Matrix::Zero(1, kDirections);
  // The completion segments begin at 97 % of the duration, a little below the published "complete".
  const double complete = 1.12 * kRandomExposure.complete;
  const Masses target{kRandomExposure.click - kRandomExposure.long_view, kRandomExposure.long_view - complete, complete,
                      kRandomExposure.watch_ratio};
  const auto step = [](double want, double have) {
    return static_cast<float>(std::clamp(std::log(want / std::max(have, 1e-6)), -1.0, 1.0));
  };
  for (int i = 0; i < 30; ++i) {
    const Masses have = measure(parts, rows, shifted_probabilities(rows, constants * basis));
    constants(0, 1) += step(target.middle, have.middle);
    constants(0, 2) += step(target.upper, have.upper);
    constants(0, 3) += step(target.complete, have.complete);
    constants(0, 4) = constants(0, 3);
    constants(0, 5) = std::clamp(constants(0, 5) + 0.7F * step(target.ratio, have.ratio), -1.5F, 1.5F);
  }
  return constants;
}

// Maximum a posteriori weights [watch_top + 1, kDirections] given random rows, by gradient descent with momentum on a
// convex objective (softmax regression with a Gaussian prior around the constants).
Matrix posterior_weights(const ExposureRows& rows, const Matrix& basis, const Matrix& constants, const Matrix& mean,
                         const Matrix& deviation, const ShiftConfig& config) {
  const Eigen::Index n = rows.top.rows(), top = rows.top.cols();
  Matrix features(n, top + 1);
  features.leftCols(top) = (rows.top.rowwise() - mean.row(0)).array().rowwise() / deviation.row(0).array();
  features.col(top).setOnes();
  Matrix weights = Matrix::Zero(top + 1, kDirections);
  weights.row(top) = constants;
  Matrix velocity = Matrix::Zero(top + 1, kDirections);
  const double feature_precision = 1.0 / (config.feature_deviation * config.feature_deviation);
  const double constant_precision = 1.0 / (config.constant_deviation * config.constant_deviation);
  // An upper bound of the curvature: features have unit variance, |direction| <= 1.
  const double curvature = 0.25 * static_cast<double>(n) * static_cast<double>(top + 1) * 0.5 + feature_precision;
  for (int i = 0; i < 600; ++i) {
    Matrix p = rows.logits + features * (weights * basis);
    softmax_rows<float>(p);
    for (Eigen::Index row = 0; row < n; ++row) p(row, rows.bin[static_cast<std::size_t>(row)]) -= 1.0F;
    Matrix gradient = features.transpose() * (p * basis.transpose());
    gradient.topRows(top) += static_cast<float>(feature_precision) * weights.topRows(top);
    gradient.row(top) += static_cast<float>(constant_precision) * (weights.row(top) - constants.row(0));
    velocity = 0.95F * velocity - static_cast<float>(1.0 / curvature) * gradient;
    weights += velocity;
  }
  // Back to raw features: w.(x - m)/d = (w/d).x - sum w m/d.
  for (Eigen::Index j = 0; j < top; ++j) {
    weights.row(j) /= deviation(0, j);
    weights.row(top) -= mean(0, j) * weights.row(j);
  }
  return weights;
}

double published_rate(std::size_t signal) {
  switch (static_cast<Signal>(signal)) {
    case Signal::kClick:
      return kRandomExposure.click;
    case Signal::kLike:
      return kRandomExposure.like;
    case Signal::kFollow:
      return kRandomExposure.follow;
    case Signal::kComment:
      return kRandomExposure.comment;
    case Signal::kForward:
      return kRandomExposure.forward;
    case Signal::kHate:
      return kRandomExposure.hate;
    case Signal::kProfile:
      return kRandomExposure.profile;
    case Signal::kLongView:
      break;
  }
  return 0.0;  // decided by the play time; its slot holds the leave logit, which exposure does not shift
}

using Rates = std::array<double, kNumSignals>;

Rates published_rates() {
  Rates out;
  for (std::size_t s = 0; s < kNumSignals; ++s) out[s] = published_rate(s);
  return out;
}

// Constants that bring the signals of these rows to the wanted rates, given the shifted watch; a rate of 0 is not
// wanted.
void shift_signals(FittedParts& parts, const ExposureRows& rows, const Rates& wanted) {
  Matrix p = rows.logits + rows.top * parts.network.watch_shift.topRows(rows.top.cols());
  p.rowwise() += parts.network.watch_shift.row(rows.top.cols());
  softmax_rows<float>(p);
  std::array<float, kNumSignals> probability{};
  for (int i = 0; i < 15; ++i) {
    std::array<double, kNumSignals> have{};
    for (Eigen::Index row = 0; row < p.rows(); ++row) {
      const Matrix feedback = rows.feedback.row(row) + parts.network.feedback_shift.row(0);
      const Shown& shown = rows.shown[static_cast<std::size_t>(row)];
      signal_probabilities(parts.network, {&p(row, 0), WatchGrid::kBins}, {feedback.data(), kNumSignals}, shown.tab,
                           shown.duration_ms, 0.0F, probability);
      for (std::size_t s = 0; s < kNumSignals; ++s) have[s] += probability[s];
    }
    for (std::size_t s = 0; s < kNumSignals; ++s)
      if (const double want = wanted[s]; want > 0.0)
        parts.network.feedback_shift(0, static_cast<Eigen::Index>(s)) += static_cast<float>(
            std::clamp(std::log(want / std::max(have[s] / static_cast<double>(p.rows()), 1e-7)), -1.0, 1.0));
  }
}

// Constants on the directions that make as many of these rows fall into each as did, by Newton's method.
Matrix constants_from_rows(const ExposureRows& rows, const Matrix& basis, double deviation) {
  Matrix constants = Matrix::Zero(1, kDirections);
  const double precision = 1.0 / (deviation * deviation);
  for (int i = 0; i < 12; ++i) {
    const Matrix p = shifted_probabilities(rows, constants * basis);
    Eigen::MatrixXd curvature = precision * Eigen::MatrixXd::Identity(kDirections, kDirections);
    Eigen::VectorXd gradient = precision * constants.row(0).transpose().cast<double>();
    const Matrix met = p * basis.transpose();  // [rows, kDirections]
    gradient += met.colwise().sum().transpose().cast<double>();
    for (const std::uint8_t bin : rows.bin) gradient -= basis.col(bin).cast<double>();
    const Matrix mass = p.colwise().sum();
    curvature += (basis * mass.row(0).asDiagonal() * basis.transpose() - met.transpose() * met).cast<double>();
    const Eigen::VectorXd step = curvature.ldlt().solve(gradient);
    constants.row(0) -= step.transpose().cast<float>();
    if (step.cwiseAbs().maxCoeff() < 1e-5) break;
  }
  return constants;
}

Rates rates_of(const ExposureRows& rows) {
  Rates out{};
  for (const SignalBits signals : rows.signals)
    for (std::size_t s = 0; s < kNumSignals; ++s)
      if (s != static_cast<std::size_t>(Signal::kLongView)) out[s] += has(signals, static_cast<Signal>(s)) ? 1.0 : 0.0;
  for (double& rate : out) rate /= static_cast<double>(rows.signals.size());
  return out;
}

// Constants that bring what a network trained on both kinds of exposure says of these rows to what they were.
// Training on far more standard rows, with weights that decay, leaves its interventional answers a few per cent high
// (on synthetic `pure` 4 % of the seconds).
void calibrate_network(FittedParts& parts, const ExposureRows& seen, const ShiftConfig& config) {
  const Matrix basis = directions();
  parts.network.watch_shift.setZero();
  parts.network.watch_shift.bottomRows(1) = constants_from_rows(seen, basis, config.constant_deviation) * basis;
  shift_signals(parts, seen, rates_of(seen));
}

// First the constants that bring uniform draws to KuaiRand's published rates of random exposure, then the maximum a
// posteriori correction, linear in the top hidden layer, given the random rows there are.
void shift_network(FittedParts& parts, const ExposureRows& uniform, const ExposureRows& random,
                   const ShiftConfig& config) {
  const Matrix basis = directions();
  const Matrix constants = constants_from_aggregates(parts, uniform, basis);
  const auto top = static_cast<Eigen::Index>(parts.network.shape.watch_top);
  Matrix weights = Matrix::Zero(top + 1, kDirections);
  weights.row(top) = constants;
  if (!random.shown.empty()) {
    const Matrix mean = uniform.top.colwise().mean();
    const Matrix centred = uniform.top.rowwise() - mean.row(0);
    const Matrix deviation = (centred.array().square().colwise().mean().sqrt().max(0.05F)).matrix();
    weights = posterior_weights(random, basis, constants, mean, deviation, config);
  }
  parts.network.watch_shift = weights * basis;
  shift_signals(parts, uniform, published_rates());
}

}  // namespace

void fit_exposure(FittedParts& parts, const FitLog& log, const Catalogue& catalogue, bool learned,
                  const ShiftConfig& config) {
  RandomRowsOf which{.every_user = true};
  ExposureRows uniform;
  if (learned)
    which = {.from = day_of_last_random_rows(log, kCalibrationRows)};
  else
    uniform = uniform_pairs(parts, log, catalogue, config.seed);
  const ExposureRows random = random_rows(parts, log, which);
  if (learned)
    calibrate_network(parts, random, config);
  else
    shift_network(parts, uniform, random, config);
}

}  // namespace swipegym
