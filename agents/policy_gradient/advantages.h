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
  std::span<const std::uint8_t> valid;       // [steps, envs] 0: no step, the env only began anew
  std::span<const std::uint8_t> terminated;  // [steps, envs] nothing comes after: its value is 0
  std::span<const std::uint8_t> truncated;  // [steps, envs] cut: the value of the next state stands for what would come
  float discount = 0.9F;
  float lambda = 0.95F;
};

/// Generalised advantages (Schulman et al. 2016),
///   A_t = d_t + discount lambda A_{t+1},   d_t = r_t + discount V(s_{t+1}) - V(s_t),
/// where an episode's end cuts the sum. `advantage` is [steps, envs], 0 where nothing is valid; advantage + value is
/// the lambda-return, a critic's target.
void generalised_advantages(const AdvantageRequest& request, std::span<float> advantage);

/// Subtracts the mean of the valid entries and divides by their standard deviation; returns that deviation.
double standardise(std::span<const std::uint8_t> valid, std::span<float> values);

}  // namespace swipegym
