#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "env/catalogue.h"
#include "policy/policy.h"
#include "policy/policy_file.h"

namespace swipegym {

/// The policy of a season, made anew every midnight for the catalogue of the day, with learned policies from
/// `networks`.
using SeasonPolicy =
    std::function<std::shared_ptr<const Policy>(const Catalogue& catalogue, const PolicySource& networks)>;

/// By the word of a command line: a rule of flow_policies(), another rule, a policy file, or a composition. InputError
/// for a word that names none of them.
SeasonPolicy season_policy(const std::string& word, std::size_t slate);
/// A composition of stages as JSON text.
SeasonPolicy composed_policy(const std::string& json);

}  // namespace swipegym
