#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace swipegym {

/// The policies that need no file: random, popularity, shortest, longest, item-mean, oracle.
const std::vector<std::string>& policy_names();

/// A policy by name, or the learned one in a policy file (anything else is taken as its path). Throws InputError when
/// it is neither, naming both possibilities.
std::shared_ptr<const Policy> make_policy(const std::string& spec, const Simulator& simulator);

}  // namespace swipegym
