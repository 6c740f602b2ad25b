#pragma once

#include <string>
#include <vector>

#include "env/simulator.h"
#include "policy/embedding/multi_interest_policy.h"
#include "policy/embedding/two_tower_policy.h"

/// Small towers with deviations, for tests of whoever asks by vectors.
namespace swipegym::test {

inline std::shared_ptr<TwoTowerModel> small_towers_model(const Catalogue& catalogue, bool deviations,
                                                         std::size_t width = 3) {
  auto model = std::make_shared<TwoTowerModel>();
  model->header = {.model = "two_tower", .policy = deviations ? "variational-two-tower" : "two-tower", .config = "{}"};
  model->network_config = {.user_hidden = {3},
                           .item_hidden = {3},
                           .width = width,
                           .tag_dim = 2,
                           .author_dim = 1,
                           .id_dim = 1,
                           .history_dim = 2};
  model->encoder_config = {.recent = 1};
  model->history_length = 5;
  model->items = make_item_inputs(catalogue);
  model->network =
      RetrievalTowers(model->network_config, StateEncoder(model->encoder_config, model->items).state_size(),
                      model->items, make_key(3), deviations);
  if (deviations) model->queries = {.draw = "normal", .count = 2};
  return model;
}

inline std::shared_ptr<MultiInterestModel> small_interest_model(const Catalogue& catalogue) {
  auto model = std::make_shared<MultiInterestModel>();
  model->header = {.model = "multi_interest", .policy = "multi-interest", .config = "{}"};
  model->history_length = 5;
  model->interests = {.wanted_above = 0.1F, .merge_cost = 0.0F, .count = 2};
  model->towers = small_towers_model(catalogue, false);
  return model;
}

/// A tower whose outputs are these numbers, whatever it is given.
inline void set_outputs(RetrievalTowers& towers, const std::string& tower, const std::vector<float>& outputs) {
  for (auto& [name, parameter] : towers.parameters()) {
    if (!name.starts_with(tower + "/1/")) continue;
    parameter->value.setZero();
    if (name.ends_with("/bias"))
      for (std::size_t i = 0; i < outputs.size(); ++i) parameter->value.data()[i] = outputs[i];
  }
}

}  // namespace swipegym::test
