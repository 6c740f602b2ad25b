#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace swipegym {

/// Steps of several envs side by side, [steps, envs] row-major. State t of env e is what it saw before step t; state
/// `steps` comes after the last one.
struct AdvantageRequest {
  std::size_t steps = 0, envs = 0;
  std::span<const float> reward;             // [steps, envs]
  std::span<const float> value;              // [steps + 1, envs] of each state
  std::span<const float> next_value = {};    // [steps, envs] of the state a step led to; empty: that of the next step
  std::span<const std::uint8_t> valid;       // [steps, envs] 0: no step, the env only began anew
  std::span<const float> stays;              // [steps, envs] what a step's future counts for: StepView::stays
  std::span<const std::uint8_t> terminated;  // [steps, envs] the user left
  std::span<const std::uint8_t> truncated;  // [steps, envs] cut: the value of the next state stands for what would come
  float discount = 0.9F;
  float lambda = 0.95F;
};

/// Generalised advantages (Schulman et al. 2016),
///   A_t = d_t + g_t lambda A_{t+1},   d_t = r_t + g_t V(s_{t+1}) - V(s_t),   g_t = discount stays_t,
/// where an episode's end cuts the sum. `advantage` is [steps, envs], 0 where nothing is valid; advantage + value is
/// the lambda-return, a critic's target.
void generalised_advantages(const AdvantageRequest& request, std::span<float> advantage);

/// Subtracts the mean of the valid entries and divides by their standard deviation; returns that deviation.
double standardise(std::span<const std::uint8_t> valid, std::span<float> values);

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

/// The same for a choice in several steps, each a softmax over slots of its own: step i has those up to ends[i] that no
/// step before it has, and actions[i] is the one that it took. p(a) is the product over the steps, entropy and kl are
/// sums over them, given what the steps before took: their means over choices are those of the whole.
PolicyRowResult chained_policy_loss(const PolicyLoss& how, const PolicyRow& row, std::span<const std::size_t> ends,
                                    std::span<float> d_scores);

/// weight * KL(p || q) of two rows of log probabilities (kMaskedLogProb where masked); adds its derivative with respect
/// to the scores behind p to `d_scores`.
double anchor_loss(float weight, std::span<const float> log_prob, std::span<const float> anchor_log_prob,
                   std::span<float> d_scores);

}  // namespace swipegym
