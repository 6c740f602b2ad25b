#include "evaluation/off_policy/linear_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/error.h"
#include "evaluation/off_policy/users.h"

namespace swipegym {
namespace {

using Square = Eigen::MatrixXd;
using Column = Eigen::VectorXd;

constexpr std::size_t kBlock = 1024;  // rows multiplied at once

/// The sums over a fold's rows that a fit needs.
struct Sums {
  Square gram, next;  // sum w f f^T; sum w f (mean features of the next step)^T
  Column moment;      // sum w f r
  double weight = 0.0;
  std::size_t rows = 0;

  explicit Sums(std::size_t features) {
    const auto n = static_cast<Eigen::Index>(features);
    gram = Square::Zero(n, n), next = Square::Zero(n, n), moment = Column::Zero(n);
  }
  Sums& operator+=(const Sums& other) {
    gram += other.gram, next += other.next, moment += other.moment, weight += other.weight, rows += other.rows;
    return *this;
  }
};

void check_rows(const LinearRows& rows, const LinearFit& fit) {
  const std::size_t n = rows.reward.size();
  if (static_cast<std::size_t>(rows.logged.rows()) != n || rows.policy.rows() != rows.logged.rows() ||
      rows.policy.cols() != rows.logged.cols() || rows.user.size() != n)
    throw std::invalid_argument("linear rows: sizes do not fit");
  if (fit.folds < 1) throw InputError("folds is 0, expected at least 1");
  if (!(fit.ridge > 0.0)) throw InputError(fmt::format("ridge is {}, expected a positive number", fit.ridge));
}

std::vector<std::size_t> deal_folds(const LinearRows& rows, const LinearFit& fit, RandomKey key) {
  std::vector<std::size_t> fold;
  for (const std::uint32_t user : rows.user) fold.push_back(fold_of_user(user, fit.folds, key));
  return fold;
}

// Sums of each fold; `with_next` adds the products with the next step's features.
std::vector<Sums> sum_folds(const LinearRows& rows, std::span<const double> weight,
                            const std::vector<std::size_t>& fold, std::size_t folds, bool with_next) {
  const auto features = static_cast<std::size_t>(rows.logged.cols());
  std::vector<Sums> sums(folds, Sums(features));
  Square here(kBlock, features), there(kBlock, features);
  Column target(kBlock);
  for (std::size_t f = 0; f < folds; ++f) {
    Eigen::Index filled = 0;
    const auto flush = [&] {
      if (filled == 0) return;
      const auto used = here.topRows(filled);
      sums[f].gram.noalias() += used.transpose() * used;
      sums[f].moment.noalias() += used.transpose() * target.head(filled);
      if (with_next) sums[f].next.noalias() += used.transpose() * there.topRows(filled);
      filled = 0;
    };
    for (std::size_t i = 0; i < fold.size(); ++i) {
      if (fold[i] != f) continue;
      const auto row = static_cast<Eigen::Index>(i);
      const double root = weight.empty() ? 1.0 : std::sqrt(weight[i]);
      here.row(filled) = root * rows.logged.row(row).cast<double>();
      target[filled] = root * rows.reward[i];
      if (with_next && rows.continues[i] != 0)
        there.row(filled) = root * rows.policy.row(row + 1).cast<double>();
      else
        there.row(filled).setZero();
      ++sums[f].rows;
      sums[f].weight += root * root;
      if (++filled == static_cast<Eigen::Index>(kBlock)) flush();
    }
    flush();
  }
  return sums;
}

// What fold f learns from: the others, or everything when it is alone.
Sums training_sums(const std::vector<Sums>& folds, std::size_t f) {
  Sums total(static_cast<std::size_t>(folds[0].moment.size()));
  for (std::size_t other = 0; other < folds.size(); ++other)
    if (other != f || folds.size() == 1) total += folds[other];
  if (total.rows == 0) throw InputError("a fold has no row to learn from: there are too few users for so many folds");
  return total;
}

Eigen::LDLT<Square> factorise(const Sums& sums, double ridge) {
  Square penalised = sums.gram;
  for (Eigen::Index i = 0; i < penalised.rows(); ++i)
    penalised(i, i) += std::max(ridge * (sums.gram(i, i) + sums.weight), 1e-30);  // all weights may be 0
  return penalised.ldlt();
}

CrossFitted predict(const LinearRows& rows, const std::vector<std::size_t>& fold, const std::vector<Column>& beta) {
  CrossFitted out;
  for (std::size_t i = 0; i < fold.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    out.logged.push_back(rows.logged.row(row).cast<double>().dot(beta[fold[i]]));
    out.policy.push_back(rows.policy.row(row).cast<double>().dot(beta[fold[i]]));
  }
  return out;
}

}  // namespace

CrossFitted fit_rewards(const LinearRows& rows, std::span<const double> weight, const LinearFit& fit, RandomKey key) {
  check_rows(rows, fit);
  if (!weight.empty() && weight.size() != rows.reward.size()) throw std::invalid_argument("linear rows: weights");
  const std::vector<std::size_t> fold = deal_folds(rows, fit, key);
  const std::vector<Sums> sums = sum_folds(rows, weight, fold, fit.folds, false);
  std::vector<Column> beta;
  for (std::size_t f = 0; f < fit.folds; ++f) {
    const Sums training = training_sums(sums, f);
    beta.push_back(factorise(training, fit.ridge).solve(training.moment));
  }
  return predict(rows, fold, beta);
}

FittedValues fit_values(const LinearRows& rows, const ValueFit& settings, RandomKey key) {
  check_rows(rows, settings.fit);
  if (rows.continues.size() != rows.reward.size() || (!rows.continues.empty() && rows.continues.back() != 0))
    throw std::invalid_argument("linear rows: continues");
  const std::vector<std::size_t> fold = deal_folds(rows, settings.fit, key);
  const std::vector<Sums> sums = sum_folds(rows, {}, fold, settings.fit.folds, true);
  FittedValues out{.value = {}, .converged = true};
  std::vector<Column> beta;
  for (std::size_t f = 0; f < settings.fit.folds; ++f) {
    const Sums training = training_sums(sums, f);
    const Eigen::LDLT<Square> factor = factorise(training, settings.fit.ridge);
    // beta <- reward + step beta, the regression of r + discount V^ in the coefficients' own space.
    const Column reward = factor.solve(training.moment);
    const Square step = settings.discount * factor.solve(training.next);
    Column now = reward;
    bool settled = false;
    int iteration = 1;
    for (; iteration < settings.max_iterations && !settled && now.allFinite(); ++iteration) {
      const Column next = reward + step * now;
      const double change = (next - now).cwiseAbs().maxCoeff();
      settled = change <= settings.tolerance * std::max(next.cwiseAbs().maxCoeff(), 1e-12);
      now = next;
    }
    out.converged = out.converged && settled;
    out.iterations = std::max(out.iterations, iteration);
    beta.push_back(now);
  }
  out.value = predict(rows, fold, beta);
  return out;
}

}  // namespace swipegym
