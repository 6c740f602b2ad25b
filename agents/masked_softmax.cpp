#include "agents/masked_softmax.h"

#include <algorithm>
#include <cmath>

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

}  // namespace swipegym
