#include "agents/policy_gradient/advantages.h"

#include <cassert>
#include <cmath>

namespace swipegym {

void generalised_advantages(const AdvantageRequest& r, std::span<float> advantage) {
  assert(advantage.size() == r.steps * r.envs && r.value.size() == (r.steps + 1) * r.envs);
  for (std::size_t env = 0; env < r.envs; ++env) {
    float later = 0.0F;
    for (std::size_t step = r.steps; step-- > 0;) {
      const std::size_t at = step * r.envs + env;
      if (!r.valid[at]) {
        advantage[at] = later = 0.0F;
        continue;
      }
      const float next = r.terminated[at] ? 0.0F : r.value[at + r.envs];
      if (r.terminated[at] || r.truncated[at]) later = 0.0F;
      later = r.reward[at] + r.discount * next - r.value[at] + r.discount * r.lambda * later;
      advantage[at] = later;
    }
  }
}

double standardise(std::span<const std::uint8_t> valid, std::span<float> values) {
  double sum = 0.0, square = 0.0, count = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (valid[i]) sum += static_cast<double>(values[i]), count += 1.0;
  const double mean = count > 0.0 ? sum / count : 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (valid[i]) square += (static_cast<double>(values[i]) - mean) * (static_cast<double>(values[i]) - mean);
  const double deviation = count > 0.0 ? std::sqrt(square / count) : 0.0;
  const double scale = 1.0 / (deviation + 1e-8);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (valid[i]) values[i] = static_cast<float>((static_cast<double>(values[i]) - mean) * scale);
  return deviation;
}

}  // namespace swipegym
