#pragma once

#include <memory>

#include "policy/stages/stage_registry.h"

namespace swipegym {

/// Settings of the retriever "random".
struct RandomRetrieverSettings {};
template <class Visitor>
void visit_fields(Visitor&, RandomRetrieverSettings&) {}

/// Fillers: distinct videos, uniform over those that the session was not shown.
std::shared_ptr<const Retriever> make_random_retriever(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
