#include "policy/simple_policies.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace swipegym {
namespace {

template <class T>
std::shared_ptr<const Policy> from_column(std::string name, const std::vector<T>& column, float sign) {
  std::vector<float> score(column.size());
  std::transform(column.begin(), column.end(), score.begin(),
                 [sign](T value) { return sign * static_cast<float>(value); });
  return std::make_shared<ItemScorePolicy>(std::move(name), std::move(score));
}

}  // namespace

void RandomPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const std::size_t rows = batch.observation.rows;
  const std::size_t slots = scores.size() / rows;
  for (std::size_t row = 0; row < rows; ++row) {
    RandomStream random(split(batch.keys[row], Draw::kAction), batch.streams[row]);
    for (float& score : scores.subspan(row * slots, slots)) score = random.uniform();
  }
}

ItemScorePolicy::ItemScorePolicy(std::string name, std::vector<float> score_of_video)
    : name_(std::move(name)), score_(std::move(score_of_video)) {}

void ItemScorePolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, score_.size());
  for (std::size_t row = 0; row < observation.rows; ++row)
    for (std::size_t slot = 0; slot < slots; ++slot)
      scores[row * slots + slot] = score_[static_cast<std::size_t>(video_in_slot(observation, row, slot))];
}

std::shared_ptr<const Policy> make_popularity_policy(const Catalogue& catalogue) {
  return from_column("popularity", catalogue.exposures, 1.0F);
}
std::shared_ptr<const Policy> make_shortest_policy(const Catalogue& catalogue) {
  return from_column("shortest", catalogue.duration_ms, -1.0F);
}
std::shared_ptr<const Policy> make_longest_policy(const Catalogue& catalogue) {
  return from_column("longest", catalogue.duration_ms, 1.0F);
}
std::shared_ptr<const Policy> make_item_mean_policy(const Catalogue& catalogue) {
  return from_column("item-mean", catalogue.item_mean, 1.0F);
}

float expected_reward(const RewardWeights& weights, const Expectation& expectation) noexcept {
  float sum = weights.watch_s * expectation.watch_s + weights.watch_ratio * expectation.watch_ratio;
  for (std::size_t i = 0; i < kNumSignals; ++i) sum += weights.signal[i] * expectation.signal[i];
  return sum;
}

void OneStepOracle::score(const DecisionBatch& batch, std::span<float> scores) const {
  if (batch.env == nullptr)
    throw InputError("the one-step oracle needs the environment itself: it cannot score recorded observations");
  const VectorEnv& env = *batch.env;
  const ObservationView& observation = batch.observation;
  std::vector<Expectation> expectations;
  if (observation.candidates > 0) {
    expectations.resize(scores.size());
    env.expect_all(expectations);
    std::transform(expectations.begin(), expectations.end(), scores.begin(),
                   [&](const Expectation& e) { return expected_reward(env.config().reward, e); });
    return;
  }
  const std::size_t videos = env.simulator().catalogue.num_videos();
  std::vector<std::int32_t> all(videos);
  std::iota(all.begin(), all.end(), 0);
  expectations.resize(videos);
  for (std::size_t row = 0; row < observation.rows; ++row) {
    env.expect_videos(row, all, expectations);
    std::transform(expectations.begin(), expectations.end(), scores.begin() + static_cast<std::ptrdiff_t>(row * videos),
                   [&](const Expectation& e) { return expected_reward(env.config().reward, e); });
  }
}

}  // namespace swipegym
