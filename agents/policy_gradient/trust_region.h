#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/range.h"

namespace swipegym {

/// Settings of a step within a trust region.
struct TrustRegionConfig {
  double radius = 0.01;            // of KL(policy that acted, policy), nats, of an update
  double damping = 0.01;           // added to the Fisher information's diagonal
  int iterations = 10;             // of conjugate gradients
  std::size_t fisher_rows = 1024;  // states of the rollout that the Fisher information is taken over
  int backtracks = 15;             // steps tried, each .8 times the one before
  double smoothing = 0.9;  // share that an update keeps of the excesses' running means; 0: a rollout's own count
};

template <class Visitor>
void visit_fields(Visitor& visit, TrustRegionConfig& config) {
  visit("radius", config.radius, between(1e-9, 100));
  visit("damping", config.damping, between(1e-9, 1e6));
  visit("iterations", config.iterations, between(1, 1'000));
  visit("fisher_rows", config.fisher_rows, between(1, 16'777'216));
  visit("backtracks", config.backtracks, between(1, 100));
  visit("smoothing", config.smoothing, below(0, 1));
}

/// What is best within a trust region and under bounds, both seen from the policy of now: the step x that
///   maximises g.x   with   b_i.x + c_i <= 0 for each bound   and   x.H x / 2 <= radius,
/// given by the products of g and b_i in H^-1 alone. H is positive definite, c_i > 0 where bound i is broken now.
struct TrustRegion {
  double gain = 0.0;              // g.H^-1 g
  std::vector<double> gain_cost;  // [n] g.H^-1 b_i
  std::vector<double> cost_cost;  // [n, n] b_i.H^-1 b_j
  std::vector<double> excess;     // [n] c_i
  double radius = 0.0;            // above 0
};

/// x = along_gain H^-1 g + sum_i along_cost[i] H^-1 b_i.
struct TrustRegionStep {
  double along_gain = 0.0;
  std::vector<double> along_cost;   // [n]
  std::vector<double> multipliers;  // [n] of the bounds: what g.x would gain were bound i wider by 1
  bool recovers = false;  // no step in the region meets all bounds: the shortest that does, cut at the region's edge
};

/// Solves it exactly. With one bound it is the closed form of CPO (Achiam et al. 2017, section 6.1 and appendix C);
/// with several each set of them is tried as the one that binds: of a set A
///   lambda = sqrt((q - r_A.S_AA^-1 r_A) / (2 radius - c_A.S_AA^-1 c_A)),   nu_A = S_AA^-1 (r_A + lambda c_A),
///   x = H^-1 (g - sum_i nu_i b_i) / lambda,
/// where q, r and S are the products above, is the answer if nu is at least 0 and x meets the other bounds. At most 12
/// bounds.
TrustRegionStep constrained_step(const TrustRegion& region);

/// One more of what is measured an update into running means [n] of it: `smoothing` of the old mean stays, of the first
/// measurements what makes the mean an even one. `before` is how many were measured.
void add_to_means(std::span<double> means, std::span<const double> measured, std::int64_t before, double smoothing);

/// x with `product`(x) = b for a positive definite product, by conjugate gradients from 0: at most `iterations` of
/// them, or until the residual's norm is below `tolerance` times that of b.
std::vector<double> conjugate_gradient(
    const std::function<void(std::span<const double> x, std::span<double> out)>& product, std::span<const double> b,
    int iterations, double tolerance = 1e-10);

}  // namespace swipegym
