#pragma once

#include <span>
#include <vector>

#include "agents/policy_gradient/actor_network.h"

namespace swipegym {

/// v -> (F + damping) v for a vector of an actor's parameters, where
///   F = E_s[J_s^T (diag(p) - p p^T) J_s],   J_s = d scores(s) / d parameters,
/// is the Fisher information of the softmax policy over states `rows`: the curvature of KL(p, p') at p' = p (Kakade
/// 2002; Schulman et al. 2015). J_s v is a central difference of scores, all else exact. The actor is as it was after
/// each product, and must not change meanwhile.
class FisherProduct {
 public:
  /// `rows` of the rollout, at least one; what is given must outlive this.
  FisherProduct(ActorNetwork& actor, const Rollout& rollout, std::span<const std::uint32_t> rows, double damping);

  /// Both [actor.size()], apart from each other.
  void operator()(std::span<const double> v, std::span<double> out);

 private:
  ActorNetwork& actor_;
  const Rollout& rollout_;
  std::span<const std::uint32_t> rows_;
  double damping_, reach_;
  std::vector<float> parameters_, moved_, gradient_;
  std::vector<float> log_prob_, up_, down_;  // [rows, m]
};

}  // namespace swipegym
