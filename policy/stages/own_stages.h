#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "policy/stages/composition.h"

namespace swipegym {

/// Stages that whoever reads a composition brings along, by the word that "use" has for them; they have no settings.
template <class Stage>
using OwnStagesOf = std::map<std::string, std::shared_ptr<const Stage>>;
using OwnStages = std::tuple<OwnStagesOf<Retriever>, OwnStagesOf<Filter>, OwnStagesOf<Scorer>, OwnStagesOf<Orderer>>;

/// parse_composition() with such stages.
Composition parse_composition(std::string text, const std::string& name, const Catalogue& catalogue,
                              const PolicySource& policies, OwnStages own);

/// A scorer that asks a policy, whose score is the one head.
std::shared_ptr<const Scorer> scorer_of(std::shared_ptr<const Policy> policy,
                                        std::shared_ptr<const Catalogue> catalogue);

}  // namespace swipegym
