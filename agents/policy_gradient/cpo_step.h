#pragma once

#include <span>
#include <vector>

#include "agents/policy_gradient/actor_network.h"
#include "agents/policy_gradient/trust_region.h"
#include "core/random.h"

namespace swipegym {

/// What a step learns from: states `rows` of a full rollout.
struct CpoBatch {
  std::span<const std::uint32_t> rows;
  std::span<const float> log_prob;                     // [rollout rows, m] of the policy that acted
  std::span<const float> advantage;                    // [rollout rows] of what is maximised
  std::vector<std::span<const float>> cost_advantage;  // [rollout rows] of each bound, in the unit of `excess`
  std::vector<double> excess;                          // of each bound: above 0 where the policy that acted breaks it
  double entropy = 0.0;                                // weight of the entropy bonus
};

struct CpoResult {
  bool moved = false;     // false: no step of the line search was good
  bool recovers = false;  // the step was towards the bounds alone
  double gain = 0.0;      // of what is maximised, by the policy that acted's advantages
  double gradient_norm = 0.0;
  double entropy = 0.0, kl = 0.0;   // of the policy afterwards; of the policy that acted from it
  std::vector<double> multipliers;  // of each bound
};

/// One update of constrained policy optimisation (CPO: Achiam et al. 2017): constrained_step() from the gradients of
///   E[p / p_old A] + entropy H(p)   and   E[p / p_old A_i],
/// with the Fisher information for H, then a line search: a step is taken if it stays within the radius, no bound that
/// is broken gets worse, no other is broken by more than it has room, and the gain is not negative unless a bound is
/// broken. `key` draws the states of the Fisher information. Deterministic for any number of threads.
CpoResult cpo_step(ActorNetwork& actor, const Rollout& rollout, const CpoBatch& batch, const TrustRegionConfig& config,
                   RandomKey key);

}  // namespace swipegym
