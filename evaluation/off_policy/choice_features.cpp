#include "evaluation/off_policy/choice_features.h"

#include <array>

#include "env/catalogue.h"

namespace swipegym {

ChoiceFeatures::ChoiceFeatures(const ItemInputs& items) : items_(items), encoder_({}, items) {}

void ChoiceFeatures::encode(const ObservationView& observation, States& states) const {
  states.state.resize(static_cast<Eigen::Index>(observation.rows), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(observation, 0, observation.rows, states.state, states.histories);
}

void ChoiceFeatures::add(const States& states, std::size_t row, std::int32_t video, double scale,
                         std::span<double> out) const {
  const float* state = states.state.data() + row * encoder_.state_size();
  const float* context = state + kUserFeatures;
  const float* stats = context + kContextFeatures;  // share of history known, recent ratio, usual ratio, has a history
  const auto v = static_cast<Eigen::Index>(video);
  const float* item = items_.features.data() + v * static_cast<Eigen::Index>(kVideoFeatures);
  const std::array<float, kUserParts> user = {state[kUserMeanRatio], state[kUserClickRate], stats[1], stats[2],
                                              stats[3]};
  const std::array<float, kItemParts> watched = {items_.derived(v, kItemMeanSeconds), items_.derived(v, kItemClickRoot),
                                                 item[kVideoMeanRatio], item[kVideoLogDuration]};
  std::array<float, StateEncoder::kCross> cross{};
  encoder_.cross(states.state, states.histories, row, video, cross.data());

  std::size_t at = 0;
  const auto put = [&](double value) { out[at++] += scale * value; };
  put(1.0);
  for (std::size_t i = 0; i < kVideoFeatures; ++i) put(item[i]);
  for (std::size_t i = 0; i < kDerivedItemFeatures; ++i) put(watched[i]);
  for (const float value : cross) put(value);
  for (const float value : user) put(value);
  for (std::size_t i = 0; i < kContextFeatures; ++i) put(context[i]);
  for (const float u : user)
    for (const float w : watched) put(static_cast<double>(u) * w);
}

}  // namespace swipegym
