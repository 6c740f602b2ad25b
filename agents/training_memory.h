#pragma once

#include <cstdint>
#include <vector>

#include "core/memory_budget.h"
#include "env/simulator.h"
#include "policy/value/value_network.h"

namespace swipegym {

/// Sizes of a network that scores candidates, as numbers.
struct NetworkNumbers {
  std::uint64_t dense = 0;   // parameters of the towers
  std::uint64_t tables = 0;  // of embeddings
  std::uint64_t state = 0;   // of a pass, a state
  std::uint64_t video = 0;   // of a pass, a video
};

/// Of a chain of layers: its parameters, and its units.
std::uint64_t weights_of(const std::vector<std::size_t>& sizes);
std::uint64_t units_of(const std::vector<std::size_t>& sizes);

/// Of a network that is there: the bytes of its parameters and tables, without their moments.
std::size_t bytes_of(const std::vector<Parameter*>& parameters, const std::vector<Embedding*>& tables);

NetworkNumbers numbers_of(const Catalogue& catalogue, const ValueNetworkConfig& network,
                          const StateEncoderConfig& encoder);

/// `copies` of a network with its optimiser, and what it keeps of each video: features, ids and `table_width` outputs.
void add_network(MemoryBudget& budget, const Catalogue& catalogue, const NetworkNumbers& numbers, std::uint64_t copies,
                 std::uint64_t table_width);
/// `count` networks of states with these layers, their optimisers, and what a batch of `rows` takes of each. `lower`
/// names the setting that makes them smaller.
void add_state_networks(MemoryBudget& budget, const std::vector<std::size_t>& layers, std::uint64_t count,
                        std::uint64_t rows, const char* lower);
/// A batch's passes, gradients and `row_bytes` a row. `lower` names the setting that makes it smaller.
void add_batch(MemoryBudget& budget, std::uint64_t rows, std::uint64_t videos, const NetworkNumbers& numbers,
               std::uint64_t row_bytes, const char* lower);

}  // namespace swipegym
