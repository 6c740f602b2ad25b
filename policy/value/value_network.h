#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/range.h"
#include "nn/adam.h"
#include "nn/embedding.h"
#include "nn/mlp.h"
#include "policy/item_inputs.h"
#include "policy/state_encoder.h"
#include "policy/value/sequence_encoder.h"

namespace swipegym {

struct ValueNetworkConfig {
  std::vector<std::size_t> state_hidden = {128, 64};  // hidden layers of the state tower
  std::vector<std::size_t> item_hidden = {64};        // hidden layers of the video tower
  std::size_t width = 32;                             // k, of the vectors whose product says how they fit
  std::size_t tag_dim = 8, author_dim = 4, id_dim = 8;
  std::size_t interaction_hidden = 32;  // hidden units over the product and the cross features; 0: none
  std::size_t outputs = 1;              // numbers that the network of pairs adds; a value is their mean
  bool dueling = false;                 // videos' outputs are centred on a fixed set of videos
  SequenceConfig sequence{};            // learned encoder of the newest videos, beside what StateEncoder says of them
};

template <class Visitor>
void visit_fields(Visitor& visit, ValueNetworkConfig& config) {
  visit("state_hidden", config.state_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("item_hidden", config.item_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("width", config.width, ranges::kUnits);
  visit("tag_dim", config.tag_dim, ranges::kUnitsOrNone);
  visit("author_dim", config.author_dim, ranges::kUnitsOrNone);
  visit("id_dim", config.id_dim, ranges::kUnitsOrNone);
  visit("interaction_hidden", config.interaction_hidden, ranges::kUnitsOrNone);
  visit("outputs", config.outputs, between(1, 256));
  visit("dueling", config.dueling);
  visit("sequence", config.sequence.kind, one_of({"none", "gru", "sasrec"}));
  visit("sequence_length", config.sequence.length, ranges::kHistory);
  visit("sequence_width", config.sequence.width, ranges::kUnits);
  visit("sequence_blocks", config.sequence.blocks, between(1, 64));
  visit("sequence_heads", config.sequence.heads, between(1, 1'024));
}

/// Throws InputError for a sequence encoder that makes no sense, and for several outputs without the network of pairs
/// that has them.
void check(const ValueNetworkConfig& config);

/// What agents that learn in sessions begin with. Small, and without a vector for each video: with drawn rewards it
/// would learn the noise of a few plays, and with expected ones what a single fit made of single videos, which a second
/// fit of other users does not share (docs/results/policies.md).
inline ValueNetworkConfig small_value_network() {
  return {.state_hidden = {32},
          .item_hidden = {32},
          .width = 8,
          .tag_dim = 8,
          .author_dim = 0,
          .id_dim = 0,
          .interaction_hidden = 16};
}

/// Value of showing a video in a state:  Q(s, a) = f(s).g(a) / sqrt(k) + v(s) + b(a) + h(s).c(s, a) + p(f o g, c)
/// with f, v, h from the state tower, g, b from the video tower, c the cross features of StateEncoder and p a small
/// network. The number of parameters does not grow with the number of candidates, and little with the catalogue.
/// Q-learning and supervised ranking share it; they differ in the target alone.
///
/// With several outputs p has as many, and each gives a value of its own: quantiles of what comes, or members of an
/// ensemble. Q is their mean.
///
/// Dueling (Wang et al., ICML 2016) takes from g and b their means over a fixed set of reference videos, so that the
/// product and b sum to 0 over that set in every state and v(s) alone says what a state is worth. The set is not the
/// candidates of the step: the worth of a video does not depend on what else was offered, and a mean over ten drawn
/// ones would add noise. c is a deviation from the session's usual as it is and stays.
///
/// With a sequence encoder the state tower reads its output behind the encoded state. It sees the newest videos as the
/// video tower does, through the same embeddings, and how much of each was watched. Passes get the videos in
/// Work::histories from a StateEncoder that keeps them (make_state_encoder).
class ValueNetwork {
 public:
  /// Room for one pass of one thread.
  struct Work {
    Matrix states, items, cross, pairs;  // inputs: [n, state], [n, item], [pairs, kCross], [pairs, k + kCross]
    StateEncoder::Histories histories;
    SequenceEncoder::Work sequence;
    Matrix joined, d_joined;  // [n, state + sequence width]: what the state tower reads with a sequence encoder
    MlpWorkspace state, item, interaction;
    Matrix d_state, d_item, d_pair, d_items, d_outputs;
    std::vector<std::int32_t> videos;
    std::vector<float> values;
  };

  ValueNetwork() = default;
  ValueNetwork(const ValueNetworkConfig& config, std::size_t state_size, const ItemInputs& items, RandomKey key);

  const ValueNetworkConfig& config() const noexcept { return config_; }

  /// work.state.output(): [rows, k + 1 + kCross] from work.states and work.histories.watched, which may have fewer
  /// rows: the rest counts as without history.
  void forward_states(const ItemInputs& items, Work& work) const;
  /// After forward_states: what the state tower read, [rows, state_inputs()].
  const Matrix& read_states(const Work& work) const noexcept { return sequence_.enabled() ? work.joined : work.states; }
  std::size_t state_inputs() const noexcept { return state_.layers.front().in(); }
  /// work.item.output(): [videos, k + 1] for work.videos.
  void forward_items(const ItemInputs& items, Work& work) const;
  /// With dueling: makes the means over reference.videos those of the present weights. Whoever changes weights calls
  /// it.
  void centre(const ItemInputs& items, Work& reference);
  /// After centre() with this `reference`: adds the gradients that flow through the means to `shard`, given dL / d mean
  /// [1, k + 1], and leaves the video tower's input gradient for scatter().
  void backward_centre(const Matrix& d_mean, Work& reference, std::size_t shard);
  /// The whole catalogue's item outputs, [videos, k + 1], on `threads` workers.
  Matrix item_table(const ItemInputs& items, int threads) const;

  /// After forward_states, for networks without an interaction and states without cross features: value = query row .
  /// item row + offset. `queries` is [rows, k + 1], `offset` [rows]; an item row is one of item_table().
  void queries(const Work& work, Matrix& queries, std::vector<float>& offset) const;

  /// values[p] of pairs (state row first_state + p / per_state, item row p or, with a table, video work.videos[p]), for
  /// work.cross rows p. `item_rows` is work.item.output() or a table.
  void combine(const Matrix& item_rows, bool is_table, std::size_t pairs, std::size_t per_state, Work& work,
               std::span<float> values) const;

  /// After forward_states, forward_items and combine without a table: adds the gradients of sum_p d_value[p] * value[p]
  /// to `shard`, and leaves the video tower's input gradient in work.d_items for scatter().
  void backward(std::span<const float> d_value, Work& work, std::size_t shard, std::size_t per_state = 1);
  /// The same given the gradient of each output, [pairs, outputs].
  void backward_outputs(const Matrix& d_outputs, Work& work, std::size_t shard, std::size_t per_state = 1);
  /// After combine(), whose result `values` is: each output's value, [pairs, outputs].
  void outputs(const Work& work, std::span<const float> values, Matrix& out) const;
  /// Adds work.d_items to the embeddings' gradients; one thread, in a fixed order of shards.
  void scatter(const ItemInputs& items, const Work& work);

  void set_shards(std::size_t count);
  std::vector<Parameter*> parameters();
  std::vector<Embedding*> embeddings();

  void save(Hdf5Writer& file, const std::string& name, bool moments) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  void backward_pairs(std::span<const float> d_value, Work& work, std::size_t shard, std::size_t per_state);
  template <class Network, class Use>
  static void each_part(Network& network, const Use& use);
  void forward_raw_items(const ItemInputs& items, Work& work) const;

  ValueNetworkConfig config_;
  Mlp state_, item_, interaction_;
  VideoTables tables_;
  SequenceEncoder sequence_;
  Matrix means_;  // [1, k + 1] of the reference videos; empty without dueling
};

}  // namespace swipegym
