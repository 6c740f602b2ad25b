#pragma once

#include <string>
#include <vector>

#include "policy/value/value_network.h"

namespace swipegym {

/// Shape of both networks of a HierarchicalNetwork; the one of tags has no embeddings of authors and ids.
struct HierarchicalNetworkConfig {
  ValueNetworkConfig towers = small_value_network();  // without several outputs, dueling or a sequence encoder
};

template <class Visitor>
void visit_fields(Visitor& visit, HierarchicalNetworkConfig& config) {
  visit("state_hidden", config.towers.state_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("item_hidden", config.towers.item_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("width", config.towers.width, ranges::kUnits);
  visit("tag_dim", config.towers.tag_dim, ranges::kUnitsOrNone);
  visit("author_dim", config.towers.author_dim, ranges::kUnitsOrNone);
  visit("id_dim", config.towers.id_dim, ranges::kUnitsOrNone);
  visit("interaction_hidden", config.towers.interaction_hidden, ranges::kUnitsOrNone);
}
/// Of the network of tags.
ValueNetworkConfig tag_towers(const HierarchicalNetworkConfig& config);

/// Logits of tags, and of videos within a tag: two ValueNetworks that share nothing, as the nodes of a tree-structured
/// policy do (Chen et al., "Large-scale Interactive Recommendation with Tree-structured Policy Gradient", AAAI 2019).
/// The items they read are those of with_tag_rows(): a tag is scored as a video that is the mean of its videos would
/// be.
struct HierarchicalNetwork {
  HierarchicalNetwork() = default;
  /// The network of videos is the one that a ValueNetwork of the same key is.
  HierarchicalNetwork(const HierarchicalNetworkConfig& config, std::size_t state_size, const ItemInputs& items,
                      RandomKey key);

  void set_shards(std::size_t count);
  std::vector<Parameter*> parameters();
  std::vector<Embedding*> embeddings();
  void save(Hdf5Writer& file, const std::string& name, bool moments) const;
  void load(const Hdf5Reader& file, const std::string& name);

  ValueNetwork videos, tags;
};

}  // namespace swipegym
