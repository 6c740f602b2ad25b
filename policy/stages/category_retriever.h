#pragma once

#include <cstddef>
#include <memory>

#include "policy/stages/stage_registry.h"

namespace swipegym {

/// Settings of the retriever "category".
struct CategoryRetrieverSettings {
  std::size_t categories = 3;       // of the user, those with most watched; with fewer in the history, the most exposed
  std::size_t history_length = 50;  // newest videos that they are told from
};
template <class Visitor>
void visit_fields(Visitor& visit, CategoryRetrieverSettings& settings) {
  visit("categories", settings.categories, between(1, 1'000));
  visit("history_length", settings.history_length, ranges::kHistory);
}

/// Popularity within category: the categories take turns, the one with most watched first, each with its most exposed
/// video that is left.
std::shared_ptr<const Retriever> make_category_retriever(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
