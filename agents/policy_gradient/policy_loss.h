#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace swipegym {

/// Which loss moves a softmax over candidates.
///   kClipped     -min(q A, clip(q, 1 - clip, 1 + clip) A),  q = p(a) / p_old(a)     (PPO: Schulman et al. 2017)
///   kReinforce   -min(q, importance_cap) K (1 - p(a))^(K - 1) A log p(a), the factors in front of A held fixed: for
///                slates of K = 1 and q = 1 A2C and REINFORCE, else the top-K off-policy correction (Chen et al. 2019)
///   kRegression  -min(exp(A / beta), cap) log p(a): reward-weighted regression     (Peters & Schaal 2007)
/// each less entropy * H(p).
struct PolicyLoss {
  enum class Kind : std::uint8_t { kClipped, kReinforce, kRegression };
  Kind kind = Kind::kClipped;
  float clip = 0.2F;  // 0: none
  float entropy = 0.0F;
  float importance_cap = 10.0F;
  float regression_beta = 1.0F, regression_cap = 20.0F;
  std::size_t slate = 1;  // K
};

/// One state with the slots that were chosen.
struct PolicyRow {
  std::span<const float> log_prob;        // [m] log p of every slot now; kMaskedLogProb where masked (masked_softmax.h)
  std::span<const float> old_log_prob;    // [m] of the policy that acted
  std::span<const std::int32_t> actions;  // slots that were watched; negative ones are skipped
  float advantage = 0.0F;
};

struct PolicyRowResult {
  double loss = 0.0;
  double entropy = 0.0;
  double kl = 0.0;  // of the policy that acted from that of now, nats
};

/// The loss of a row and, in d_scores [m], its derivative with respect to the scores behind log_prob.
PolicyRowResult policy_loss(const PolicyLoss& how, const PolicyRow& row, std::span<float> d_scores);

/// weight * KL(p || q) of two rows of log probabilities (kMaskedLogProb where masked); adds its derivative with respect
/// to the scores behind p to `d_scores`.
double anchor_loss(float weight, std::span<const float> log_prob, std::span<const float> anchor_log_prob,
                   std::span<float> d_scores);

}  // namespace swipegym
