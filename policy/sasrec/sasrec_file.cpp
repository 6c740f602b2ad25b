#include <string>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "policy/sasrec/sasrec_network.h"

namespace swipegym {
namespace {

// Calls use(name, part) for every parameter of a network, whatever its constness.
template <class Network, class Use>
void each_sasrec_part(const std::string& name, Network& network, const Use& use) {
  use(name + "/items", network.items.table);
  if (network.config().authors) use(name + "/authors", network.authors.table);
  if (network.tags.count() > 0) use(name + "/tags", network.tags.table);
  if (network.users.count() > 0) use(name + "/users", network.users.table);
  if (network.positions.value.size() > 0) use(name + "/positions", network.positions);
  use(name + "/stranger", network.stranger);
  use(name + "/feature_shift", network.feature_shift);
  use(name + "/feature_scale", network.feature_scale);
  if (network.step_features.in() > 0) use(name + "/step_features", network.step_features);
  use(name + "/input_norm", network.input_norm);
  use(name + "/transformer", network.transformer);
  if (!network.head.layers.empty()) use(name + "/head", network.head);
}

}  // namespace

void save(Hdf5Writer& file, const std::string& name, const SasrecNetwork& network, bool moments) {
  each_sasrec_part(name, network, [&](const std::string& at, const auto& part) { save(file, at, part, moments); });
}

void load(const Hdf5Reader& file, const std::string& name, SasrecNetwork& network) {
  each_sasrec_part(name, network, [&](const std::string& at, auto& part) { load(file, at, part); });
}

}  // namespace swipegym
