#include "policy/value/hierarchical_network.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kTagKey = 200;  // apart from the children that the network of videos draws from

template <class T>
std::vector<T> joined(std::vector<T> first, const std::vector<T>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

ValueNetworkConfig tag_towers(const HierarchicalNetworkConfig& config) {
  ValueNetworkConfig towers = config.towers;
  towers.author_dim = towers.id_dim = 0;
  return towers;
}

HierarchicalNetwork::HierarchicalNetwork(const HierarchicalNetworkConfig& config, std::size_t state_size,
                                         const ItemInputs& items, RandomKey key)
    : videos(config.towers, state_size, items, key), tags(tag_towers(config), state_size, items, split(key, kTagKey)) {}

void HierarchicalNetwork::set_shards(std::size_t count) {
  videos.set_shards(count), tags.set_shards(count);
}

std::vector<Parameter*> HierarchicalNetwork::parameters() {
  return joined(videos.parameters(), tags.parameters());
}

std::vector<Embedding*> HierarchicalNetwork::embeddings() {
  return joined(videos.embeddings(), tags.embeddings());
}

void HierarchicalNetwork::save(Hdf5Writer& file, const std::string& name, bool moments) const {
  videos.save(file, name + "/videos", moments);
  tags.save(file, name + "/tags", moments);
}

void HierarchicalNetwork::load(const Hdf5Reader& file, const std::string& name) {
  videos.load(file, name + "/videos");
  tags.load(file, name + "/tags");
}

}  // namespace swipegym
