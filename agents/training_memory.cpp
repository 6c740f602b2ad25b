#include "agents/training_memory.h"

#include <fmt/format.h>

namespace swipegym {
namespace {

constexpr std::uint64_t kShardRows = 128;  // rows of a batch whose gradient is kept apart

}  // namespace

std::uint64_t weights_of(const std::vector<std::size_t>& sizes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 1; i < sizes.size(); ++i) sum = sum_of({sum, product_of({sizes[i - 1] + 1, sizes[i]})});
  return sum;
}

std::uint64_t units_of(const std::vector<std::size_t>& sizes) {
  std::uint64_t sum = 0;
  for (const std::size_t size : sizes) sum = sum_of({sum, size});
  return sum;
}

std::size_t bytes_of(const std::vector<Parameter*>& parameters, const std::vector<Embedding*>& tables) {
  Eigen::Index floats = 0;
  for (const Parameter* parameter : parameters) floats += parameter->value.size();
  for (const Embedding* table : tables) floats += table->table.value.size();
  return static_cast<std::size_t>(floats) * sizeof(float);
}

NetworkNumbers numbers_of(const Catalogue& catalogue, const ValueNetworkConfig& c, const StateEncoderConfig& encoder) {
  const std::size_t state_size = StateEncoder::state_size(encoder, catalogue.num_tags);
  const std::size_t item_size = kVideoFeatures + kDerivedItemFeatures + c.tag_dim + c.author_dim + c.id_dim;
  const auto state = layer_sizes(state_size + c.sequence.width, c.state_hidden, c.width);
  const auto item = layer_sizes(item_size, c.item_hidden, c.width);
  constexpr std::uint64_t kPasses = 3;  // a layer's sums, its outputs and their gradient
  return {.dense = sum_of({weights_of(state), weights_of(item),
                           product_of({c.sequence.blocks, 8, c.sequence.width, c.sequence.width})}),
          .tables = sum_of({product_of({catalogue.num_tags, c.tag_dim}), product_of({65536, c.author_dim}),
                            product_of({65536, c.id_dim})}),
          .state = product_of({kPasses, sum_of({units_of(state), product_of({c.sequence.length, c.sequence.width})})}),
          .video = product_of({kPasses, sum_of({units_of(item), c.interaction_hidden})})};
}

void add_network(MemoryBudget& budget, const Catalogue& catalogue, const NetworkNumbers& numbers, std::uint64_t copies,
                 std::uint64_t table_width) {
  constexpr std::uint64_t kFloats = 3 * sizeof(float);  // a value and its two moments
  const std::uint64_t a_video = sizeof(float) * (kVideoFeatures + kDerivedItemFeatures + table_width) + 20;
  budget.add("the network and what it knows of the videos",
             sum_of({product_of({copies, kFloats, sum_of({numbers.dense, numbers.tables})}),
                     product_of({catalogue.num_videos(), a_video})}),
             "the network's layers");
}

void add_state_networks(MemoryBudget& budget, const std::vector<std::size_t>& layers, std::uint64_t count,
                        std::uint64_t rows, const char* lower) {
  constexpr std::uint64_t kCopies = 3, kPasses = 3;  // a value and its two moments; sums, outputs and their gradient
  const std::uint64_t weights = product_of({sum_of({kCopies, rows / kShardRows + 1}), weights_of(layers)});
  budget.add("critics of states",
             product_of({count, sizeof(float), sum_of({weights, product_of({rows, kPasses, units_of(layers)})})}),
             lower);
}

void add_batch(MemoryBudget& budget, std::uint64_t rows, std::uint64_t videos, const NetworkNumbers& numbers,
               std::uint64_t row_bytes, const char* lower) {
  const std::uint64_t passes =
      product_of({rows, sizeof(float), sum_of({numbers.state, product_of({videos, numbers.video})})});
  const std::uint64_t shards = rows / kShardRows + 1;
  budget.add(fmt::format("a batch of {} rows", rows),
             sum_of({passes, product_of({rows, row_bytes}), product_of({shards, sizeof(float), numbers.dense})}),
             lower);
}

}  // namespace swipegym
