#include "cli/policy_list.h"

#include "cli/policy_word.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/simulator_oracle.h"

namespace swipegym::cli {

std::vector<ComparedPolicy> read_policies(const std::vector<std::string>& words,
                                          const std::shared_ptr<const Simulator>& made_for, bool elsewhere_too,
                                          const BroughtObjects* brought) {
  std::vector<ComparedPolicy> policies;
  for (const std::string& word : words) {
    const auto [name, spec] = split_policy_word(word);
    ComparedPolicy& policy = policies.emplace_back();
    policy.name = name;
    if (brought != nullptr && brought->policies.contains(spec)) {
      policy.seeds = {brought->policies.at(spec)(made_for)};
      continue;
    }
    if (const std::optional<float> pessimism = oracle_pessimism(spec); pessimism && elsewhere_too) {
      policy.seeds = {std::make_shared<SimulatorOracle>(made_for, *pessimism)};
      continue;
    }
    for (const std::string& file : expand_pattern(spec)) policy.seeds.push_back(make_policy(file, *made_for));
  }
  return policies;
}

}  // namespace swipegym::cli
