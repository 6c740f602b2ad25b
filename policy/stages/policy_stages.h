#pragma once

#include <memory>

#include "core/range.h"
#include "policy/make_policy.h"
#include "policy/stages/stage_registry.h"

namespace swipegym {

/// Stages that ask a policy of any kind: its best videos are what is retrieved, its score is the one head.
struct PolicyStageSettings {
  std::string file;  // a policy file, or the name of a rule: popularity, item-mean, ...
};
template <class Visitor>
void visit_fields(Visitor& visit, PolicyStageSettings& settings) {
  visit("file", settings.file, Words(policy_names()).or_file(".h5"));
}

std::shared_ptr<const Retriever> make_policy_retriever(const StageSettings& settings, const StageContext& context);
std::shared_ptr<const Scorer> make_policy_scorer(const StageSettings& settings, const StageContext& context);
/// Of a policy that foresees several answers: each of them is a head.
std::shared_ptr<const Scorer> make_multitask_scorer(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
