#include "policy/make_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "policy/policy_file.h"
#include "policy/simple_policies.h"
#include "policy/stages/staged_policy.h"

namespace swipegym {
namespace {

const RulePolicy* rule_of(std::string_view spec) {
  const auto rules = rule_policies();
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const RulePolicy& rule) { return rule.name == spec; });
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const RulePolicy& rule : rule_policies()) all.emplace_back(rule.name);
    return all;
  }();
  return names;
}

bool names_policy_file(std::string_view spec) {
  return rule_of(spec) == nullptr;
}

std::shared_ptr<const Policy> make_policy(const std::string& spec, const Catalogue& catalogue) {
  if (const RulePolicy* rule = rule_of(spec)) return rule->make(catalogue);
  if (std::filesystem::exists(spec)) {
    if (!std::filesystem::path(spec).extension().compare(".json"))
      return std::make_shared<StagedPolicy>(read_composition(spec, catalogue), catalogue.num_videos());
    return load_policy(spec, catalogue);
  }
  throw InputError(fmt::format("'{}' is neither a policy ({}) nor a policy file nor a composition of stages (.json)",
                               spec, fmt::join(policy_names(), ", ")));
}

}  // namespace swipegym
