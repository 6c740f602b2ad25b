#include "evaluation/uplift/outcome_model.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>

#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "core/validate.h"
#include "evaluation/uplift/uplift_rows.h"
#include "nn/losses.h"

namespace swipegym {
namespace {

constexpr std::size_t kFitBlock = 512;  // rows multiplied at once

// Sums over rows z (columns of deviation 1) and y (the target less its mean) that ridge regressions need.
struct RidgeSums {
  Eigen::MatrixXd gram;            // sum z z^T
  Eigen::VectorXd moment, column;  // sum z y, sum z
  double target = 0.0, rows = 0.0, squares = 0.0;

  explicit RidgeSums(std::size_t size) {
    const auto n = static_cast<Eigen::Index>(size);
    gram = Eigen::MatrixXd::Zero(n, n), moment = Eigen::VectorXd::Zero(n), column = Eigen::VectorXd::Zero(n);
  }
  RidgeSums& operator+=(const RidgeSums& other) {
    gram += other.gram, moment += other.moment, column += other.column;
    target += other.target, rows += other.rows, squares += other.squares;
    return *this;
  }
};

RidgeSums sum_rows(const OutcomeRows& from, std::span<const std::uint32_t> rows, const FeatureProducts& columns,
                   double mean) {
  RidgeSums sums(columns.size());
  Eigen::MatrixXd block(kFitBlock, columns.size());
  Eigen::VectorXd target(kFitBlock);
  Eigen::RowVectorXd one(columns.size());
  for (std::size_t first = 0; first < rows.size(); first += kFitBlock) {
    const auto count = static_cast<Eigen::Index>(std::min(kFitBlock, rows.size() - first));
    for (Eigen::Index i = 0; i < count; ++i) {
      const std::uint32_t row = rows[first + static_cast<std::size_t>(i)];
      columns.write(from.table->row(row), one);
      block.row(i) = one;
      target[i] = from.target[row] - mean;
    }
    const auto used = block.topRows(count);
    sums.gram.noalias() += used.transpose() * used;
    sums.moment.noalias() += used.transpose() * target.head(count);
    sums.column += used.colwise().sum().transpose();
    sums.target += target.head(count).sum();
    sums.squares += target.head(count).squaredNorm();
    sums.rows += static_cast<double>(count);
  }
  return sums;
}

struct RidgeLine {
  Eigen::VectorXd beta;
  double intercept = 0.0;
};

// The mean squared error of the sums' rows plus penalty |beta|^2 is smallest here.
RidgeLine solve_ridge(const RidgeSums& sums, double penalty) {
  RidgeLine out;
  if (sums.moment.size() == 0) {
    out.beta = sums.moment;
  } else {
    Eigen::MatrixXd gram = sums.gram - sums.column * sums.column.transpose() / sums.rows;
    gram.diagonal().array() += penalty * sums.rows;
    const Eigen::VectorXd moment = sums.moment - sums.column * (sums.target / sums.rows);
    if (penalty > 0.0) {
      out.beta = gram.ldlt().solve(moment);
    } else {
      // Columns may be sums of others: the shortest of the many solutions.
      Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> solver;
      solver.setThreshold(1e-11);
      out.beta = solver.compute(gram).solve(moment);
    }
  }
  out.intercept = (sums.target - sums.column.dot(out.beta)) / sums.rows;
  return out;
}

// The sum over the sums' rows of the squared error.
double squared_error(const RidgeSums& sums, const RidgeLine& line) {
  return sums.squares - 2.0 * (line.beta.dot(sums.moment) + line.intercept * sums.target) +
         line.beta.dot(sums.gram * line.beta) + 2.0 * line.intercept * line.beta.dot(sums.column) +
         line.intercept * line.intercept * sums.rows;
}

// The rows of each fold of creators.
std::vector<std::vector<std::uint32_t>> rows_of_folds(const OutcomeRows& rows, std::size_t folds, RandomKey key) {
  const std::vector<std::uint32_t> fold = creator_folds(rows.creator, folds, key);
  std::vector<std::vector<std::uint32_t>> out(folds);
  for (const std::uint32_t row : rows.rows) out[fold[row]].push_back(row);
  return out;
}

double target_mean(const OutcomeRows& rows) {
  double sum = 0.0;
  for (const std::uint32_t row : rows.rows) sum += rows.target[row];
  return sum / static_cast<double>(rows.rows.size());
}

// The squared error of models on creators that they did not learn from.
double validated_error(const OutcomeRows& rows, const UpliftSettings& settings, RandomKey key) {
  const auto folds = rows_of_folds(rows, 3, key);
  double error = 0.0;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    OutcomeRows training{.table = rows.table, .target = rows.target, .creator = rows.creator, .rows = {}};
    for (std::size_t other = 0; other < folds.size(); ++other)
      if (other != f) training.rows.insert(training.rows.end(), folds[other].begin(), folds[other].end());
    if (folds[f].empty() || training.rows.empty()) continue;
    const std::vector<double> predicted =
        OutcomeModel(training, settings, split(key, f)).predict(*rows.table, folds[f]);
    for (std::size_t i = 0; i < folds[f].size(); ++i) error += std::pow(predicted[i] - rows.target[folds[f][i]], 2);
  }
  return error;
}

}  // namespace

OutcomeModel::OutcomeModel(const OutcomeRows& rows, const UpliftSettings& settings, RandomKey key) {
  require_that("a model of the outcome", !rows.rows.empty(), "at least one row of its arm and folds to learn from");
  network_ = settings.base == "mlp", chance_ = settings.loss == "cross-entropy";
  require_that("loss", !chance_ || network_, "\"squared\" of any base but \"mlp\"");
  if (settings.base == "chosen") {
    UpliftSettings ridge = settings, network = settings;
    ridge.base = "ridge", network.base = "mlp";
    const RandomKey judging = split(key, 2);
    network_ = validated_error(rows, network, judging) < validated_error(rows, ridge, judging);
  }
  if (network_)
    fit_network(rows, settings, key);
  else
    fit_ridge(rows, settings, key);
}

void OutcomeModel::fit_ridge(const OutcomeRows& rows, const UpliftSettings& settings, RandomKey key) {
  columns_ = FeatureProducts(*rows.table, rows.rows, settings.products);
  const double mean = target_mean(rows);
  const std::vector<double>& penalties = settings.penalties;
  const auto folds =
      rows_of_folds(rows, penalties.size() > 1 ? static_cast<std::size_t>(settings.penalty_folds) : 1, split(key, 1));
  std::vector<RidgeSums> sums;
  RidgeSums all(columns_.size());
  for (const auto& fold : folds) all += sums.emplace_back(sum_rows(rows, fold, columns_, mean));
  double least = std::numeric_limits<double>::infinity();
  penalty_ = penalties[0];
  for (const double penalty : penalties) {
    double error = 0.0;
    for (const RidgeSums& held_out : sums) {
      RidgeSums others = all;
      others.gram -= held_out.gram, others.moment -= held_out.moment, others.column -= held_out.column;
      others.target -= held_out.target, others.rows -= held_out.rows;
      if (others.rows > 0.0) error += squared_error(held_out, solve_ridge(others, penalty));
    }
    if (penalties.size() > 1 && error < least) least = error, penalty_ = penalty;
  }
  const RidgeLine line = solve_ridge(all, penalty_);
  coefficients_ = line.beta, intercept_ = mean + line.intercept;
}

void OutcomeModel::fit_network(const OutcomeRows& rows, const UpliftSettings& settings, RandomKey key) {
  require_that("a network of the outcome", rows.table->width > 0, "at least one feature; use base \"ridge\"");
  columns_ = FeatureProducts(*rows.table, rows.rows, false);
  const auto fold = rows_of_folds(rows, 5, split(key, 1));
  std::vector<std::uint32_t> training, judged = fold[0];
  for (std::size_t f = 1; f < fold.size(); ++f) training.insert(training.end(), fold[f].begin(), fold[f].end());
  if (training.empty()) std::swap(training, judged);
  intercept_ = target_mean(rows);
  double squares = 0.0;
  for (const std::uint32_t row : rows.rows) squares += std::pow(rows.target[row] - intercept_, 2);
  target_scale_ = std::max(std::sqrt(squares / static_cast<double>(rows.rows.size())), 1e-12);
  if (chance_) {
    for (const std::uint32_t row : rows.rows)
      require_that("loss", rows.target[row] == 0.0 || rows.target[row] == 1.0,
                   "targets of 0 and 1 for \"cross-entropy\"");
    const double chance = std::clamp(intercept_, 1e-6, 1.0 - 1e-6);
    intercept_ = std::log(chance / (1.0 - chance)), target_scale_ = 1.0;
  }

  mlp_ = Mlp(layer_sizes(columns_.size(), settings.hidden, 1), Activation::kSilu, split(key, Draw::kInit));
  TrainedParts parts;
  std::vector<Parameter*> parameters;
  mlp_.collect(parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) parts.add("parameter_" + std::to_string(i), parameters[i]);
  Adam adam(adam_of(settings));
  parts.adam = &adam;
  MlpWorkspace workspace;
  Matrix input, target, gradient;
  Eigen::RowVectorXd one(columns_.size());
  const auto forward = [&](std::span<const std::uint32_t> batch) {
    input.resize(static_cast<Eigen::Index>(batch.size()), one.size());
    target.resize(input.rows(), 1);
    for (Eigen::Index i = 0; i < input.rows(); ++i) {
      const std::uint32_t row = batch[static_cast<std::size_t>(i)];
      columns_.write(rows.table->row(row), one);
      input.row(i) = one.cast<float>();
      target(i, 0) = static_cast<float>(chance_ ? rows.target[row] : (rows.target[row] - intercept_) / target_scale_);
    }
    mlp_.forward(input, workspace);
  };
  Matrix logits;
  const auto loss_of_batch = [&](Matrix* slope) {
    if (!chance_) return mean_squared_error(workspace.output(), target, {}, slope);
    logits = workspace.output().array() + static_cast<float>(intercept_);
    return binary_cross_entropy(logits, target, {}, slope);
  };
  // The mean loss over the rows, a batch at a time; `learn` makes a step of each.
  const auto pass = [&](std::span<const std::uint32_t> over, bool learn) {
    double loss = 0.0;
    for (std::size_t first = 0; first < over.size(); first += settings.batch) {
      const auto batch = over.subspan(first, std::min(settings.batch, over.size() - first));
      forward(batch);
      loss += static_cast<double>(batch.size()) * loss_of_batch(learn ? &gradient : nullptr);
      if (!learn) continue;
      mlp_.backward(input, gradient, workspace, nullptr);
      adam.step(parts.dense);
    }
    return loss / static_cast<double>(over.size());
  };
  run_epochs(
      {}, {.epochs = settings.epochs, .patience = settings.patience}, parts,
      [&](int epoch, const Progress&) {
        const RandomKey order = split(split(key, Draw::kBatch), static_cast<std::uint64_t>(epoch));
        return pass(shuffled(training, order), true);
      },
      [&]() -> Validation {
        if (judged.empty()) return {};
        const double loss = pass(judged, false);
        return {.loss = loss, .metric = -loss};
      });
}

std::vector<double> OutcomeModel::predict(const FeatureTable& table, std::span<const std::uint32_t> rows) const {
  std::vector<double> out(rows.size());
  Eigen::RowVectorXd one(columns_.size());
  if (!network_) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      columns_.write(table.row(rows[i]), one);
      out[i] = intercept_ + coefficients_.dot(one.transpose());
    }
    return out;
  }
  Matrix input;
  MlpWorkspace workspace;
  for (std::size_t first = 0; first < rows.size(); first += kFitBlock) {
    const std::size_t count = std::min(kFitBlock, rows.size() - first);
    input.resize(static_cast<Eigen::Index>(count), one.size());
    for (std::size_t i = 0; i < count; ++i) {
      columns_.write(table.row(rows[first + i]), one);
      input.row(static_cast<Eigen::Index>(i)) = one.cast<float>();
    }
    mlp_.forward(input, workspace);
    for (std::size_t i = 0; i < count; ++i) {
      const double said =
          intercept_ + target_scale_ * static_cast<double>(workspace.output()(static_cast<Eigen::Index>(i), 0));
      out[first + i] = chance_ ? 1.0 / (1.0 + std::exp(-said)) : said;
    }
  }
  return out;
}

}  // namespace swipegym
