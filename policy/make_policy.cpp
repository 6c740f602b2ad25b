#include "policy/make_policy.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/error.h"
#include "policy/one_step_oracle.h"
#include "policy/policy_file.h"
#include "policy/simple_policies.h"

namespace swipegym {

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> names = {"random", "popularity", "shortest", "longest", "item-mean", "oracle"};
  return names;
}

std::shared_ptr<const Policy> make_policy(const std::string& spec, const Simulator& simulator) {
  if (spec == "random") return std::make_shared<RandomPolicy>();
  if (spec == "popularity") return make_popularity_policy(simulator.catalogue);
  if (spec == "shortest") return make_shortest_policy(simulator.catalogue);
  if (spec == "longest") return make_longest_policy(simulator.catalogue);
  if (spec == "item-mean") return make_item_mean_policy(simulator.catalogue);
  if (spec == "oracle") return std::make_shared<OneStepOracle>();
  if (std::filesystem::exists(spec)) return load_policy(spec, simulator);
  throw InputError(
      fmt::format("'{}' is neither a policy ({}) nor a policy file", spec, fmt::join(policy_names(), ", ")));
}

}  // namespace swipegym
