#pragma once

#include <cstdint>
#include <span>

namespace swipegym {

/// Turns the scores of one state's candidates into log probabilities, log softmax over the allowed ones; masked slots
/// get kMaskedLogProb, whose exponential is 0.
inline constexpr float kMaskedLogProb = -1e30F;
void log_softmax(std::span<const float> scores, std::span<const std::uint8_t> mask, std::span<float> out);

/// The policy that two-stage constrained actor-critic (Cai et al., WWW 2023, theorem 1) moves the main actor towards,
/// in one state with few enough actions to say it exactly: what maximises E_p[advantage] - sum_i lambda_i KL(p, p_i),
///   log p*(a) = sum_i (lambda_i / L) log p_i(a) + A(a) / L - log Z,   L = sum_i lambda_i.
/// `auxiliary_log` holds log p_i one after the other, [n, m]; masked slots get kMaskedLogProb. A / L is cut at +-10.
void tscac_target(std::span<const float> auxiliary_log, std::span<const double> lambda,
                  std::span<const float> advantage, std::span<const std::uint8_t> mask, std::span<float> out_log);

}  // namespace swipegym
