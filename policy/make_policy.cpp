#include "policy/make_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "core/unreadable.h"
#include "env/expected_reward.h"
#include "policy/best_unseen.h"
#include "policy/one_step_oracle.h"
#include "policy/policy_file.h"
#include "policy/stages/staged_policy.h"

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

namespace {

const RulePolicy* rule_of(std::string_view spec) {
  const auto rules = rule_policies();
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const RulePolicy& rule) { return rule.name == spec; });
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace

std::shared_ptr<const Policy> ItemScorePolicy::refreshed(const CatalogueNow& now) const {
  const RulePolicy* rule = rule_of(name_);
  if (rule == nullptr) return nullptr;
  const auto fresh = std::dynamic_pointer_cast<const ItemScorePolicy>(rule->make(*now.catalogue));
  std::vector<float> score = fresh->score_;
  for (std::size_t video = 0; video < score.size(); ++video)  // so that the head of the order is on offer
    if (!now.on_offer.contains(static_cast<std::uint32_t>(video))) score[video] = std::numeric_limits<float>::lowest();
  return std::make_shared<ItemScorePolicy>(name_, std::move(score));
}

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const RulePolicy& rule : rule_policies()) all.emplace_back(rule.name);
    return all;
  }();
  return names;
}

bool names_policy_file(std::string_view spec) {
  return rule_of(spec) == nullptr && !oracle_pessimism(spec);
}

std::shared_ptr<const Policy> make_policy(const std::string& spec, const Simulator& simulator) {
  if (const std::optional<float> pessimism = oracle_pessimism(spec)) check_pessimism(*pessimism, *simulator.model);
  return make_policy(spec, simulator.catalogue);
}

std::shared_ptr<const Policy> make_policy(const std::string& spec, const Catalogue& catalogue) {
  return make_policy(spec, catalogue, policy_files());
}

std::shared_ptr<const Policy> make_policy(const std::string& spec, const Catalogue& catalogue,
                                          const PolicySource& policies) {
  if (const RulePolicy* rule = rule_of(spec)) return rule->make(catalogue);
  if (const std::optional<float> pessimism = oracle_pessimism(spec)) return std::make_shared<OneStepOracle>(*pessimism);
  if (std::filesystem::exists(spec)) {
    if (!std::filesystem::path(spec).extension().compare(".json"))
      return std::make_shared<StagedPolicy>(read_composition(spec, catalogue, policies), catalogue.num_videos());
    return policies(spec, catalogue);
  }
  require_file_of_word(spec);
  throw InputError(fmt::format("'{}' is neither a policy ({}) nor a policy file nor a composition of stages (.json)",
                               spec, fmt::join(policy_names(), ", ")));
}

}  // namespace swipegym
