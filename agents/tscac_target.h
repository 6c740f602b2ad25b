#pragma once

#include <cstdint>
#include <span>

namespace swipegym {

/// The policy that two-stage constrained actor-critic (Cai et al., WWW 2023, theorem 1) moves the main actor towards,
/// in one state with few enough actions to say it exactly: what maximises E_p[advantage] - sum_i lambda_i KL(p, p_i),
///   log p*(a) = sum_i (lambda_i / L) log p_i(a) + A(a) / L - log Z,   L = sum_i lambda_i.
/// `auxiliary_log` holds log p_i one after the other, [n, m]; masked slots get kMaskedLogProb. A / L is cut at +-10.
void tscac_target(std::span<const float> auxiliary_log, std::span<const double> lambda,
                  std::span<const float> advantage, std::span<const std::uint8_t> mask, std::span<float> out_log);

}  // namespace swipegym
