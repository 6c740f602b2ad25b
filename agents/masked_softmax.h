#pragma once

#include <cstdint>
#include <span>

namespace swipegym {

/// Turns the scores of one state's candidates into log probabilities, log softmax over the allowed ones; masked slots
/// get kMaskedLogProb, whose exponential is 0.
inline constexpr float kMaskedLogProb = -1e30F;
void log_softmax(std::span<const float> scores, std::span<const std::uint8_t> mask, std::span<float> out);

}  // namespace swipegym
