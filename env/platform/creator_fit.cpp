#include "env/platform/creator_fit.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/validate.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
constexpr double kNormal95 = 1.959963984540054;
constexpr std::pair<double, double> kResponseRange = {-10.0, 10.0};  // of CreatorSettings
constexpr int kResponsivePlace = 2;                                  // of responsive, response and response_rest
// Where the search stays, in free coefficients.
const CreatorVector kLeastFree = (CreatorVector() << -20, -7, -12, -10, -10, -10, -16, -7).finished();
const CreatorVector kMostFree = (CreatorVector() << 20, 2.3, 12, 10, 10, 10, 12, 16).finished();

void require_panel(const CreatorPanel& panel) {
  panel.validate();
  const std::uint64_t followed = panel.days() - panel.size(), uploads = panel.later_uploads();
  if (panel.size() < kNumCreatorCoefficients || followed == 0)
    throw InputError(
        fmt::format("{} creators with {} days after that of arrival: expected at least {} creators, and a "
                    "day after arrival",
                    panel.size(), followed, kNumCreatorCoefficients));
  if (uploads == 0)
    throw InputError(
        "no upload follows a creator's first day: how creators answer what their videos get cannot be seen");
  if (uploads == followed)
    throw InputError("every creator uploads every day: how they answer what their videos get cannot be seen");
}

// What is plain from the panel, and the rest of no strong opinion.
CreatorVector first_guess(const CreatorLikelihood& likelihood) {
  const double rate = std::clamp(likelihood.upload_rate(), 1e-4, 0.9);
  CreatorVector natural;
  natural << std::log(rate / (1.0 - rate)), 0.5, 0.3, 0.6, 0.0, 0.0, 0.01, std::max(1.0, 2.0 * likelihood.mean_score());
  return free_coefficients(natural);
}

CreatorMatrix hessian_at(const CreatorLikelihood& likelihood, const CreatorVector& free) {
  CreatorMatrix hessian;
  for (int i = 0; i < free.size(); ++i) {
    const double width = 1e-4 * (1.0 + std::abs(free[i]));
    CreatorVector more = free, less = free;
    more[i] += width, less[i] -= width;
    hessian.col(i) = (likelihood.at(more).gradient - likelihood.at(less).gradient) / (more[i] - less[i]);
  }
  return 0.5 * (hessian + hessian.transpose());
}

// The same by differences to one side, in half the time: good enough to say where to go.
CreatorMatrix rough_hessian_at(const CreatorLikelihood& likelihood, const CreatorVector& free,
                               const CreatorVector& gradient) {
  CreatorMatrix hessian;
  for (int i = 0; i < free.size(); ++i) {
    CreatorVector more = free;
    more[i] += 1e-5 * (1.0 + std::abs(free[i]));
    hessian.col(i) = (likelihood.at(more).gradient - gradient) / (more[i] - free[i]);
  }
  return 0.5 * (hessian + hessian.transpose());
}

class CreatorSearch {
 public:
  CreatorSearch(const CreatorLikelihood& likelihood, int max_steps, const Progress& progress)
      : likelihood_(likelihood), max_steps_(max_steps), progress_(progress), free_(first_guess(likelihood)) {
    value_ = likelihood_.at(free_);
  }

  void run() {
    // Outer products are right curvatures near the top only, but always ones that lead upward. A Hessian serves for the
    // steps after it too, as long as they lead up by much less than it took to make.
    climb([&] { return value_.outer; }, 1, 1e-2);
    climb([&] { return CreatorMatrix(-rough_hessian_at(likelihood_, free_, value_.gradient)); }, 5, 1e-7);
    converged_ = steps_ < max_steps_;
  }

  const CreatorVector& free() const noexcept { return free_; }
  double log_likelihood() const noexcept { return value_.log_likelihood; }
  int steps() const noexcept { return steps_; }
  bool converged() const noexcept { return converged_; }

 private:
  // (C + damping diag) step = gradient, until a step adds less than `least` to the log-likelihood; a curvature C serves
  // for `uses` steps.
  template <class Curvature>
  void climb(const Curvature& curvature, int uses, double least) {
    double damping = 1e-3;
    while (steps_ < max_steps_) {
      const CreatorMatrix at = curvature();
      for (int use = 0; use < uses && steps_ < max_steps_;) {
        report(progress_, "fit", static_cast<std::uint64_t>(++steps_), 0);
        const double before = value_.log_likelihood;
        if (try_step(at, damping)) {
          ++use, damping = std::max(1e-10, damping / 10.0);
          if (value_.log_likelihood - before < least) return;
        } else {
          damping *= 10.0;
          if (damping > 1e12) return;  // as high as rounding lets one see
        }
      }
    }
  }

  bool try_step(const CreatorMatrix& curvature, double damping) {
    CreatorMatrix damped = curvature;
    damped.diagonal() += damping * (curvature.diagonal().cwiseAbs().array() + 1e-9).matrix();
    const Eigen::LDLT<CreatorMatrix> solver(damped);
    if (solver.info() != Eigen::Success || !solver.isPositive()) return false;
    const CreatorVector step = solver.solve(value_.gradient).cwiseMax(-2.0).cwiseMin(2.0);
    const CreatorVector next = (free_ + step).cwiseMax(kLeastFree).cwiseMin(kMostFree);
    const CreatorLikelihood::Value value = likelihood_.at(next);
    if (!(value.log_likelihood >= value_.log_likelihood) || next == free_) return false;
    free_ = next, value_ = value;
    return true;
  }

  const CreatorLikelihood& likelihood_;
  int max_steps_, steps_ = 0;
  const Progress& progress_;
  CreatorVector free_;
  CreatorLikelihood::Value value_;
  bool converged_ = false;
};

// Covariances of the free coefficients; NaN where the likelihood is flat: coefficients are held one by one, that which
// a flat direction has most of first, until what is left has a top.
CreatorMatrix covariances(const CreatorMatrix& hessian, const CreatorVector& free, double creators) {
  std::vector<int> kept;
  for (int i = 0; i < free.size(); ++i)
    if (-hessian(i, i) > 1e-7 * creators && free[i] > kLeastFree[i] + 1e-9 && free[i] < kMostFree[i] - 1e-9)
      kept.push_back(i);
  CreatorMatrix out = CreatorMatrix::Constant(kNotKnown);
  while (!kept.empty()) {
    const auto size = static_cast<Eigen::Index>(kept.size());
    Eigen::MatrixXd scaled(size, size);  // diagonal 1
    for (Eigen::Index a = 0; a < size; ++a)
      for (Eigen::Index b = 0; b < size; ++b) {
        const int i = kept[static_cast<std::size_t>(a)], j = kept[static_cast<std::size_t>(b)];
        scaled(a, b) = -hessian(i, j) / std::sqrt(hessian(i, i) * hessian(j, j));
      }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(scaled);
    if (solver.eigenvalues()[0] > 1e-6) {
      const Eigen::MatrixXd inverse = scaled.inverse();
      for (Eigen::Index a = 0; a < size; ++a)
        for (Eigen::Index b = 0; b < size; ++b) {
          const int i = kept[static_cast<std::size_t>(a)], j = kept[static_cast<std::size_t>(b)];
          out(i, j) = inverse(a, b) / std::sqrt(hessian(i, i) * hessian(j, j));
        }
      break;
    }
    Eigen::Index flattest = 0;
    solver.eigenvectors().col(0).cwiseAbs().maxCoeff(&flattest);
    kept.erase(kept.begin() + flattest);
  }
  return out;
}

CreatorEstimate known_or_not(CreatorEstimate estimate) {
  if (!std::isfinite(estimate.error) || !std::isfinite(estimate.low) || !std::isfinite(estimate.high))
    estimate.error = estimate.low = estimate.high = kNotKnown;
  return estimate;
}

void add_estimates(const CreatorLikelihood& likelihood, const CreatorVector& free, CreatorFit& fit) {
  const CreatorMatrix covariance =
      covariances(hessian_at(likelihood, free), free, static_cast<double>(likelihood.creators()));
  const CreatorVector deviation = covariance.diagonal().cwiseSqrt();
  const CreatorVector value = natural_coefficients(free), slopes = natural_slopes(free);
  const CreatorVector low = natural_coefficients(free - kNormal95 * deviation);
  const CreatorVector high = natural_coefficients(free + kNormal95 * deviation);
  for (int i = 0; i < free.size(); ++i)
    fit.coefficients[static_cast<std::size_t>(i)] =
        known_or_not({.value = value[i], .error = slopes[i] * deviation[i], .low = low[i], .high = high[i]});

  const double share = fit.of("responsive").value, answer = fit.of("response").value,
               rest = fit.of("response_rest").value;
  Eigen::Vector3d slope(share * (1.0 - share) * (answer - rest), share, 1.0 - share);  // of the mean
  Eigen::Matrix3d part = covariance.block<3, 3>(kResponsivePlace, kResponsivePlace);
  for (int i = 0; i < 3; ++i)
    if (std::isnan(part(i, i)) && std::abs(slope[i]) < 1e-3)  // so few answer that what they do changes no mean
      slope[i] = 0.0, part.row(i).setZero(), part.col(i).setZero();
  const double mean = share * answer + (1.0 - share) * rest;
  const double error = std::sqrt(slope.dot(part * slope));
  fit.mean_response =
      known_or_not({.value = mean, .error = error, .low = mean - kNormal95 * error, .high = mean + kNormal95 * error});
}

}  // namespace

const CreatorEstimate& CreatorFit::of(std::string_view coefficient) const {
  for (std::size_t i = 0; i < kNumCreatorCoefficients; ++i)
    if (kCreatorCoefficientNames[i] == coefficient) return coefficients[i];
  throw InputError(fmt::format("'{}' is no coefficient of creators, expected one of {}", coefficient,
                               fmt::join(kCreatorCoefficientNames, ", ")));
}

CreatorSettings CreatorFit::law(CreatorSettings others) const {
  others = with_reception(others, settings.given);
  others.base_mean = of("base_mean").value, others.base_deviation = of("base_deviation").value;
  others.responsive = of("responsive").value, others.response_rest = of("response_rest").value;
  const auto [low, high] = kResponseRange;
  others.response_low = std::clamp(of("response").value - 0.5 * settings.response_width, low, high);
  others.response_high = std::clamp(of("response").value + 0.5 * settings.response_width, low, high);
  others.idle_slope = of("idle_slope").value;
  others.leave_hazard = of("leave_hazard").value, others.leave_scale = of("leave_scale").value;
  return others;
}

CreatorFit fit_creators(const CreatorPanel& panel, const CreatorFitSettings& settings, int threads,
                        const Progress& progress) {
  check_ranges(settings);
  require_panel(panel);
  CreatorFit fit{.settings = settings,
                 .creators = panel.size(),
                 .creator_days = panel.days(),
                 .uploads = panel.later_uploads(),
                 .log_likelihood = -std::numeric_limits<double>::infinity()};
  std::vector<double> memories = settings.memories;
  if (memories.empty()) memories.push_back(settings.given.memory);
  for (const double memory : memories) {
    const CreatorLikelihood likelihood(panel, settings, memory, threads);
    CreatorSearch search(likelihood, settings.max_steps, progress);
    search.run();
    if (!(search.log_likelihood() > fit.log_likelihood)) continue;
    fit.log_likelihood = search.log_likelihood();
    fit.settings.given.memory = memory;
    fit.steps = search.steps(), fit.converged = search.converged();
    add_estimates(likelihood, search.free(), fit);
  }
  fit.validate();
  return fit;
}

}  // namespace swipegym
