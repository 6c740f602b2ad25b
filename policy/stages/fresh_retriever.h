#pragma once

#include <memory>

#include "policy/stages/stage_registry.h"

namespace swipegym {

/// Settings of the retriever "fresh".
struct FreshRetrieverSettings {
  double max_age_days = 0.0;  // since upload; 0: any age
};
template <class Visitor>
void visit_fields(Visitor& visit, FreshRetrieverSettings& settings) {
  visit("max_age_days", settings.max_age_days, between(0, 100'000));
}

/// The newest videos by day of upload; of one day the most exposed first, equal ones by index. What was uploaded after
/// the request's day, or on a day that nobody knows, never comes. Refused for a catalogue without upload days.
std::shared_ptr<const Retriever> make_fresh_retriever(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
