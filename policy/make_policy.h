#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/simulator.h"
#include "policy/policy.h"
#include "policy/policy_file.h"

namespace swipegym {

/// Every allowed slot is equally likely: scores are draws from the row's key and stream.
class RandomPolicy final : public Policy {
 public:
  std::string_view name() const noexcept override { return "random"; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool scores_are_random() const noexcept override { return true; }
};

/// A score a video, the same for everybody.
class ItemScorePolicy final : public Policy {
 public:
  ItemScorePolicy(std::string name, std::vector<float> score_of_video);
  std::string_view name() const noexcept override { return name_; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;
  /// Of the rules: made anew by its name, of the videos on offer.
  std::shared_ptr<const Policy> refreshed(const CatalogueNow& now) const override;
  bool ranks_catalogue() const noexcept override { return true; }

 private:
  std::string name_;
  std::vector<float> score_;
  std::vector<std::int32_t> best_;  // the head of the order: longer than what sessions watch
};

/// Most exposed in the fitted log first; shortest first; longest first; highest shrunk mean watch ratio first.
std::shared_ptr<const Policy> make_popularity_policy(const Catalogue& catalogue);
std::shared_ptr<const Policy> make_shortest_policy(const Catalogue& catalogue);
std::shared_ptr<const Policy> make_longest_policy(const Catalogue& catalogue);
std::shared_ptr<const Policy> make_item_mean_policy(const Catalogue& catalogue);

/// A policy that needs no file: it follows a rule, or asks the simulator.
struct RulePolicy {
  const char* name;
  const char* summary;
  std::shared_ptr<const Policy> (*make)(const Catalogue& catalogue);
};
/// All of them, in the order of tables. A new one is a line here, and works wherever a policy is named.
std::span<const RulePolicy> rule_policies();

/// The policies that need no file: random, popularity, shortest, longest, item-mean, oracle.
const std::vector<std::string>& policy_names();

/// What a word that names a policy means, wherever one is given: one of policy_names(), "oracle:K" for an oracle of
/// pessimism K, or else the path of a policy file, whatever its name looks like, or of a composition of stages, whose
/// name ends in .json.
bool names_policy_file(std::string_view spec);

/// The policy that a word names. Throws InputError when it is neither, naming both possibilities.
std::shared_ptr<const Policy> make_policy(const std::string& spec, const Catalogue& catalogue);
/// The same with learned policies from `policies`.
std::shared_ptr<const Policy> make_policy(const std::string& spec, const Catalogue& catalogue,
                                          const PolicySource& policies);
/// The same for an env of that simulator: refuses an oracle's pessimism where it has no members to disagree.
std::shared_ptr<const Policy> make_policy(const std::string& spec, const Simulator& simulator);

}  // namespace swipegym
