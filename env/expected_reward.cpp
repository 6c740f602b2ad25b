#include "env/expected_reward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace swipegym {

float expected_reward(const RewardWeights& weights, const Expectation& expectation) noexcept {
  float sum = weights.watch_s * expectation.watch_s + weights.watch_ratio * expectation.watch_ratio;
  for (std::size_t i = 0; i < kNumSignals; ++i) sum += weights.signal[i] * expectation.signal[i];
  return sum;
}

ExpectedPart expected_part(const RewardWeights& weights) noexcept {
  const bool any = std::any_of(std::begin(weights.signal), std::end(weights.signal), [](float w) { return w != 0.0F; });
  return any ? ExpectedPart::kAll : ExpectedPart::kWatch;
}

void check_pessimism(float pessimism, const UserModel& model) {
  if (!kPessimism.contains(pessimism))
    throw InputError(fmt::format("pessimism is {}, expected {}", pessimism, kPessimism.expected<float>()));
  if (pessimism > 0.0F && model.num_members() == 1)
    throw InputError(
        fmt::format("pessimism {} takes off what a simulator's members disagree by, and this one is a single fit; "
                    "make one by 'fit --members 8', or leave pessimism at 0",
                    pessimism));
}

void RewardOutlook::expect(const UserModel& model, std::span<const Shown> shown, std::span<const float* const> states,
                           std::span<float> out, UserModel::Scratch& scratch, std::vector<Expectation>& said,
                           std::span<float> stays) const {
  const std::size_t n = shown.size(), members = pessimism > 0.0F ? model.num_members() : 1;
  if (said.size() < members * kChunk) said.resize(members * kChunk);
  const ExpectedPart part = stays.empty() ? expected_part(weights) : ExpectedPart::kAll;
  const auto stay = [&] {
    for (std::size_t i = 0; i < stays.size(); ++i) {
      float leave = 0.0F;
      for (std::size_t member = 0; member < members; ++member) leave += said[member * n + i].leave;
      stays[i] = std::clamp(1.0F - leave / static_cast<float>(members), 0.0F, 1.0F);
    }
  };
  if (members == 1) {
    model.expect_part(part, shown, states, exposure, {said.data(), n}, scratch);
    for (std::size_t i = 0; i < n; ++i) out[i] = expected_reward(weights, said[i]);
    return stay();
  }
  model.expect_members(part, shown, states, exposure, {said.data(), members * n}, scratch);
  stay();
  for (std::size_t i = 0; i < n; ++i) {
    double mean = 0.0, square = 0.0;
    for (std::size_t member = 0; member < members; ++member)
      mean += static_cast<double>(expected_reward(weights, said[member * n + i]));
    mean /= static_cast<double>(members);
    for (std::size_t member = 0; member < members; ++member) {
      const double off = static_cast<double>(expected_reward(weights, said[member * n + i])) - mean;
      square += off * off;
    }
    const double deviation = std::sqrt(square / static_cast<double>(members - 1));
    out[i] = static_cast<float>(mean - static_cast<double>(pessimism) * deviation);
  }
}

}  // namespace swipegym
