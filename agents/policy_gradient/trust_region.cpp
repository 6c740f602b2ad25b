#include "agents/policy_gradient/trust_region.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

namespace swipegym {
namespace {

constexpr std::size_t kMostBounds = 12;
constexpr double kRidge = 1e-9;      // of S, as a share of its mean diagonal: gradients of two bounds may be parallel
constexpr double kSlackness = 1e-7;  // as a share of what is compared: a bound that is met to this is met

double product_of(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

using Vector = Eigen::VectorXd;
using Square = Eigen::MatrixXd;

Vector as_vector(const std::vector<double>& values) {
  return Eigen::Map<const Vector>(values.data(), static_cast<Eigen::Index>(values.size()));
}

// The bounds whose bit is set.
std::vector<Eigen::Index> members(unsigned set, std::size_t count) {
  std::vector<Eigen::Index> all;
  for (std::size_t i = 0; i < count; ++i)
    if ((set >> i & 1U) != 0U) all.push_back(static_cast<Eigen::Index>(i));
  return all;
}

// S_AA^-1 b_A for the members A of a set.
Vector solve(const Square& square, const std::vector<Eigen::Index>& set, const Vector& b) {
  const Square own = square(set, set);
  const Vector right = b(set);
  return own.ldlt().solve(right);
}

struct Bounds {
  Vector gain_cost, excess;
  Square cost_cost;
};

// The shortest step that meets all bounds, x = -sum_i nu_i H^-1 b_i: of the sets that may bind the one with nu >= 0 and
// all others met, which is one alone.
Vector shortest_step(const Bounds& bounds) {
  const auto count = static_cast<std::size_t>(bounds.excess.size());
  Vector best = Vector::Zero(bounds.excess.size());
  double least = std::numeric_limits<double>::infinity();
  for (unsigned set = 0; set < 1U << count; ++set) {
    const std::vector<Eigen::Index> bind = members(set, count);
    Vector nu = Vector::Zero(bounds.excess.size());
    if (!bind.empty()) nu(bind) = solve(bounds.cost_cost, bind, bounds.excess);
    const Vector left = bounds.excess - bounds.cost_cost * nu;  // c + b.x
    const double broken = std::max<double>(left.maxCoeff(), -nu.minCoeff());
    if (broken < least) least = broken, best = nu;
  }
  return best;
}

TrustRegionStep recovery(const Bounds& bounds, double radius) {
  const Vector nu = shortest_step(bounds);
  const double length = nu.dot(bounds.cost_cost * nu);  // x.H x
  const double scale = length > 0.0 ? std::sqrt(2.0 * radius / length) : 0.0;
  TrustRegionStep step;
  step.recovers = true;
  step.multipliers.assign(nu.begin(), nu.end());
  for (const double one : nu) step.along_cost.push_back(-scale * one);
  return step;
}

}  // namespace

TrustRegionStep constrained_step(const TrustRegion& region) {
  const std::size_t count = region.excess.size();
  assert(count <= kMostBounds && region.gain_cost.size() == count && region.cost_cost.size() == count * count);
  TrustRegionStep none{.along_cost = std::vector<double>(count), .multipliers = std::vector<double>(count)};
  const auto n = static_cast<Eigen::Index>(count);
  Bounds bounds{as_vector(region.gain_cost), as_vector(region.excess), Square::Zero(n, n)};
  if (count > 0) {
    bounds.cost_cost = Eigen::Map<const Square>(region.cost_cost.data(), n, n);
    bounds.cost_cost.diagonal().array() += kRidge * bounds.cost_cost.diagonal().mean() + 1e-300;
  }
  for (unsigned set = 0; set < 1U << count; ++set) {
    const std::vector<Eigen::Index> bind = members(set, count);
    double gain = region.gain, room = 2.0 * region.radius;  // what is left of q and of the region
    Vector along_gain, along_excess;                        // S_AA^-1 r_A and S_AA^-1 c_A
    if (!bind.empty()) {
      const Vector own_gain = bounds.gain_cost(bind), own_excess = bounds.excess(bind);
      along_gain = solve(bounds.cost_cost, bind, bounds.gain_cost);
      along_excess = solve(bounds.cost_cost, bind, bounds.excess);
      gain -= along_gain.dot(own_gain), room -= along_excess.dot(own_excess);
    }
    if (!(room > 0.0)) continue;
    // Where g lies in the span of the bounds' gradients nothing is left to gain and lambda nears 0.
    const double lambda = std::sqrt(std::max(gain, 1e-12 * region.gain) / room);
    if (!(lambda > 0.0)) continue;
    Vector nu = Vector::Zero(n);
    if (!bind.empty()) nu(bind) = along_gain + lambda * along_excess;
    const Vector left = bounds.excess + (bounds.gain_cost - bounds.cost_cost * nu) / lambda;  // c + b.x
    bool holds = true;
    for (Eigen::Index i = 0; i < n; ++i) {
      const double scale =
          std::abs(bounds.excess(i)) + std::sqrt(2.0 * region.radius * std::max(bounds.cost_cost(i, i), 0.0));
      const bool binds = (set >> static_cast<unsigned>(i) & 1U) != 0U;
      holds = holds && (binds ? nu(i) >= 0.0 : left(i) <= kSlackness * scale);
    }
    if (!holds) continue;
    TrustRegionStep step = none;
    step.along_gain = 1.0 / lambda;
    for (std::size_t i = 0; i < count; ++i) {
      step.multipliers[i] = nu(static_cast<Eigen::Index>(i));
      step.along_cost[i] = -step.multipliers[i] / lambda;
    }
    return step;
  }
  // No gain at all, or bounds out of reach.
  return bounds.excess.size() > 0 && bounds.excess.maxCoeff() > 0.0 ? recovery(bounds, region.radius) : none;
}

void add_to_means(std::span<double> means, std::span<const double> measured, std::int64_t before, double smoothing) {
  const auto count = static_cast<double>(before);
  const double stays = std::min(smoothing, count / (count + 1.0));
  for (std::size_t i = 0; i < means.size(); ++i) means[i] = stays * means[i] + (1.0 - stays) * measured[i];
}

std::vector<double> conjugate_gradient(
    const std::function<void(std::span<const double> x, std::span<double> out)>& product, std::span<const double> b,
    int iterations, double tolerance) {
  std::vector<double> x(b.size(), 0.0), residual(b.begin(), b.end()), direction = residual, image(b.size());
  double square = product_of(residual, residual);
  const double enough = tolerance * tolerance * square;
  for (int i = 0; i < iterations && square > enough; ++i) {
    product(direction, image);
    const double curvature = product_of(direction, image);
    if (!(curvature > 0.0)) break;  // rounding has the better of it
    const double step = square / curvature;
    for (std::size_t k = 0; k < x.size(); ++k) x[k] += step * direction[k], residual[k] -= step * image[k];
    const double next = product_of(residual, residual);
    for (std::size_t k = 0; k < x.size(); ++k) direction[k] = residual[k] + next / square * direction[k];
    square = next;
  }
  return x;
}

}  // namespace swipegym
