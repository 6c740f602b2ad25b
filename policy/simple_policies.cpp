#include "policy/simple_policies.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "policy/best_unseen.h"
#include "policy/one_step_oracle.h"

namespace swipegym {
namespace {

constexpr std::size_t kHead = 1024;  // videos whose order is kept

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
    : name_(std::move(name)), score_(std::move(score_of_video)), best_(best_first(score_, kHead)) {}

bool ItemScorePolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                  std::span<std::int32_t> out) const {
  return best_unseen(best_, batch, rows, count, out) ||
         best_unseen(best_first(score_, score_.size()), batch, rows, count, out);
}

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

std::span<const RulePolicy> rule_policies() {
  using Made = std::shared_ptr<const Policy>;
  static constexpr std::array kRules = {
      RulePolicy{"random", "every candidate alike",
                 [](const Catalogue&) -> Made { return std::make_shared<RandomPolicy>(); }},
      RulePolicy{"popularity", "most exposed first", make_popularity_policy},
      RulePolicy{"shortest", "shortest first", make_shortest_policy},
      RulePolicy{"longest", "longest first", make_longest_policy},
      RulePolicy{"item-mean", "highest mean watch ratio first", make_item_mean_policy},
      RulePolicy{"oracle", "highest expected reward first: it asks the simulator",
                 [](const Catalogue&) -> Made { return std::make_shared<OneStepOracle>(); }},
  };
  return kRules;
}

}  // namespace swipegym
