#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/simulator.h"
#include "policy/policy.h"

namespace swipegym {

/// The policies that need no file: random, popularity, shortest, longest, item-mean, oracle.
const std::vector<std::string>& policy_names();

/// What a word that names a policy means, wherever one is given: one of policy_names(), or else the path of a policy
/// file, whatever its name looks like, or of a composition of stages, whose name ends in .json.
bool names_policy_file(std::string_view spec);

/// The policy that a word names. Throws InputError when it is neither, naming both possibilities.
std::shared_ptr<const Policy> make_policy(const std::string& spec, const Catalogue& catalogue);
inline std::shared_ptr<const Policy> make_policy(const std::string& spec, const Simulator& simulator) {
  return make_policy(spec, simulator.catalogue);
}

}  // namespace swipegym
