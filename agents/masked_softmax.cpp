#include "agents/masked_softmax.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace swipegym {

void log_softmax(std::span<const float> scores, std::span<const std::uint8_t> mask, std::span<float> out) {
  float most = kMaskedLogProb;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (mask[i]) most = std::max(most, scores[i]);
  double total = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (mask[i]) total += std::exp(static_cast<double>(scores[i] - most));
  const auto shift = static_cast<float>(static_cast<double>(most) + std::log(total));
  for (std::size_t i = 0; i < scores.size(); ++i) out[i] = mask[i] ? scores[i] - shift : kMaskedLogProb;
}

void tscac_target(std::span<const float> auxiliary_log, std::span<const double> lambda,
                  std::span<const float> advantage, std::span<const std::uint8_t> mask, std::span<float> out_log) {
  constexpr double kLimit = 10.0;
  const std::size_t m = advantage.size();
  const double total = std::accumulate(lambda.begin(), lambda.end(), 0.0);
  for (std::size_t slot = 0; slot < m; ++slot) {
    double logit = 0.0;
    if (mask[slot]) {
      logit = std::clamp(static_cast<double>(advantage[slot]) / total, -kLimit, kLimit);
      for (std::size_t i = 0; i < lambda.size(); ++i)
        logit += lambda[i] / total * static_cast<double>(auxiliary_log[i * m + slot]);
    }
    out_log[slot] = static_cast<float>(logit);
  }
  log_softmax(out_log, mask, out_log);
}

}  // namespace swipegym
