#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/range.h"
#include "nn/embedding.h"
#include "nn/mlp.h"
#include "nn/transformer.h"

namespace swipegym {

/// Settings of a SASRec network (Kang & McAuley, ICDM 2018).
struct SasrecNetworkConfig {
  std::string norm = "pre";  // published, pre or post (nn/transformer.h)
  std::size_t width = 16;    // d
  std::size_t blocks = 2;
  std::size_t heads = 1;
  std::size_t inner = 32;           // hidden units of the position-wise layers
  std::string activation = "relu";  // of the position-wise layers
  double norm_epsilon = 1e-8;
  std::size_t max_length = 50;      // newest videos of a history that are read
  std::string positions = "start";  // left: as if padded on the left, so that the newest has the last one; start: the
                                    // oldest has the first; none
  bool scale_items = true;          // item embeddings enter times sqrt(d)
  bool authors = true;              // what enters beside the item: its author's embedding,
  bool tags = true;                 // its first tag's embedding,
  bool features = true;             // its duration and other features,
  bool feedback = true;             // what the user did,
  bool ratios = true;               // how much of it the user watched
  std::vector<std::size_t> head_hidden = {64, 32};  // layers behind the ratio and binary heads
  std::size_t user_width = 16;                      // numbers the heads have for the user's own features; 0: none
  double item_deviation = 0.0025;                   // of the first values of embeddings
};

template <class Visitor>
void visit_fields(Visitor& visit, SasrecNetworkConfig& config) {
  visit("norm", config.norm, one_of({"published", "pre", "post"}));
  visit("width", config.width, between(1, 1'024));
  visit("blocks", config.blocks, between(0, 64));
  visit("heads", config.heads, between(1, 1'024));
  visit("inner", config.inner, between(1, 8'192));
  visit("activation", config.activation, one_of(activation_names()));
  visit("norm_epsilon", config.norm_epsilon, between(1e-12, 1));
  visit("max_length", config.max_length, between(1, 500));
  visit("positions", config.positions, one_of({"left", "start", "none"}));
  visit("scale_items", config.scale_items);
  visit("authors", config.authors);
  visit("tags", config.tags);
  visit("features", config.features);
  visit("feedback", config.feedback);
  visit("ratios", config.ratios);
  visit("head_hidden", config.head_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("user_width", config.user_width, between(0, 1'024));
  visit("item_deviation", config.item_deviation, between(1e-9, 1e3));
}

/// The published states: ten videos, one block, one head.
inline SasrecNetworkConfig sqn_network_defaults() {
  SasrecNetworkConfig network;
  network.width = 32, network.blocks = 1, network.inner = 32, network.max_length = 10;
  network.head_hidden = {}, network.user_width = 0;  // heads that nothing is learned of
  return network;
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const SasrecNetworkConfig& config);

/// Histories one behind the other, oldest first, without padding: what is not there costs nothing and changes nothing.
template <class Scalar>
struct PackedHistoriesOf {
  std::vector<std::uint32_t> offset = {0};  // sequence s is the rows [offset[s], offset[s + 1])
  std::vector<std::int32_t> item;           // rows of the item table; -1: a video never met
  std::vector<std::int32_t> author;         // rows of the author table or -1
  std::vector<std::int32_t> tag;            // rows of the tag table or -1; not looked at without such a table
  std::vector<std::int32_t> position;       // rows of the position table
  MatrixOf<Scalar> features;                // [rows, step features]

  std::size_t rows() const noexcept { return item.size(); }
  /// The row of the newest entry of a sequence; -1: it is empty.
  std::int32_t newest(std::size_t sequence) const noexcept {
    return offset[sequence] == offset[sequence + 1] ? -1 : static_cast<std::int32_t>(offset[sequence + 1]) - 1;
  }
  void clear() {
    offset.assign(1, 0);
    item.clear(), author.clear(), tag.clear(), position.clear();
  }
};
using PackedHistories = PackedHistoriesOf<float>;

/// Dropout of a training step; see TransformerDropout. `head` drops hidden units of the heads.
struct SasrecDropout {
  double rate = 0.0, attention = 0.0, head = 0.0;
  RandomKey key{};
  std::size_t first_row = 0;
};

/// One pass over packed histories; one a thread, or one for each of several passes whose gradients are added later.
template <class Scalar>
struct SasrecWorkOf {
  MatrixOf<Scalar> input, input_before, input_mask, d_input;
  LayerNormWorkOf<Scalar> input_norm;
  TransformerWorkOf<Scalar> transformer;
  const MatrixOf<Scalar>& states() const noexcept { return transformer.output; }  // [rows, d]

  MatrixOf<Scalar> head_input, d_head_input;
  MlpWorkspaceOf<Scalar> head;
  std::vector<std::int32_t> head_state, head_item, head_author, head_tag, head_user;
};

/// The tables' gradients of a pass: rows of matrices that must stay where they are until they are scattered.
template <class Scalar>
struct SasrecGradientsOf {
  std::vector<RowGradientOf<Scalar>> items, authors, tags, users;
  void clear() { items.clear(), authors.clear(), tags.clear(), users.clear(); }
};

/// h_t = what a history (v_1, y_1) .. (v_t, y_t) says of the user; next-video scores are h_t . item, and two further
/// heads look at h_t, a candidate's embedding, their product and dense features of both.
template <class Scalar>
class SasrecNetworkOf {
 public:
  using Work = SasrecWorkOf<Scalar>;
  using Histories = PackedHistoriesOf<Scalar>;
  using Gradients = SasrecGradientsOf<Scalar>;
  enum Head : Eigen::Index { kBinary, kRatio, kHeads };

  SasrecNetworkOf() = default;
  /// Tables of num_items and num_authors rows; step_features and candidate_features are what an input row and a
  /// candidate have beside their embeddings (candidate_features 0: no heads but the next video); num_tags and user_rows
  /// are the sizes of the tables of tags and of users' features.
  SasrecNetworkOf(const SasrecNetworkConfig& config, std::size_t num_items, std::size_t num_authors,
                  std::size_t step_features, std::size_t candidate_features, RandomKey key, std::size_t num_tags = 0,
                  std::size_t user_rows = 0);

  /// work.states() of every row. Callable from many threads with a work each.
  void forward(const Histories& histories, const SasrecDropout& dropout, Work& work) const;
  /// After forward(): adds to the gradients of `shard` and lists the tables' in `out`; they point into work.d_input.
  void backward(const Histories& histories, const SasrecDropout& dropout, const MatrixOf<Scalar>& d_states, Work& work,
                Gradients& out, std::size_t shard);

  /// The ratio and binary heads of candidates: candidate i of video item[i] (by author[i]) for the user whose history
  /// ends in row state[i] of the states (-1: no history), with dense features [candidates, candidate features]. The
  /// result is work.head.output() [candidates, kHeads]: binary logits and ratios. `tag` [candidates] and `user`
  /// [candidates, any number] name rows of the tables of tags and of users' features, -1 none; without, those add
  /// nothing.
  void forward_heads(std::span<const std::int32_t> state, std::span<const std::int32_t> item,
                     std::span<const std::int32_t> author, const MatrixOf<Scalar>& features,
                     const SasrecDropout& dropout, Work& work, std::span<const std::int32_t> tag = {},
                     std::span<const std::int32_t> user = {}) const;
  /// After forward_heads(): adds dL/d states to `d_states` and the rest as backward() does, pointing into
  /// work.d_head_input and the states.
  void backward_heads(const MatrixOf<Scalar>& d_output, Work& work, MatrixOf<Scalar>& d_states, Gradients& out,
                      std::size_t shard);

  void set_shards(std::size_t count);
  std::vector<ParameterOf<Scalar>*> parameters();
  std::vector<EmbeddingOf<Scalar>*> embeddings();
  const SasrecNetworkConfig& config() const noexcept { return config_; }

  EmbeddingOf<Scalar> items, authors, tags;          // [., d]
  EmbeddingOf<Scalar> users;                         // [user rows, user_width]
  ParameterOf<Scalar> positions;                     // [max_length, d]
  ParameterOf<Scalar> stranger;                      // [1, d]: the state of a user without history
  ParameterOf<Scalar> feature_shift, feature_scale;  // [1, candidate features]: heads see (x - shift) * scale, cut at
                                                     // +-4; fixed before training
  LinearOf<Scalar> step_features;
  LayerNormOf<Scalar> input_norm;  // kPost only
  TransformerOf<Scalar> transformer;
  MlpOf<Scalar> head;

 private:
  Scalar item_scale() const;
  bool normalises_input() const { return transformer.shape().norm == NormOrder::kPost; }
  SasrecNetworkConfig config_;
};
using SasrecNetwork = SasrecNetworkOf<float>;

/// Adds what passes left for the tables, in their order; for the items that of `first` before all.
void scatter_tables(SasrecNetwork& network, const std::vector<const SasrecGradientsOf<float>*>& passes, int threads,
                    std::span<const RowGradient> first = {});

void save(Hdf5Writer& file, const std::string& name, const SasrecNetwork& network, bool moments);
void load(const Hdf5Reader& file, const std::string& name, SasrecNetwork& network);

/// Mean over targets of -log s(h . item) - mean over negatives of log(1 - s(h . negative)): the published loss, with
/// any number of negatives. target [rows]: -1 where a row has none; negatives [rows, k]. `total`: how many targets the
/// whole batch has. Writes d_states and adds the items' gradients, which point into `states`.
template <class Scalar>
double next_video_loss(const MatrixOf<Scalar>& states, const EmbeddingOf<Scalar>& items,
                       std::span<const std::int32_t> target, std::span<const std::int32_t> negatives, double total,
                       MatrixOf<Scalar>& d_states, SasrecGradientsOf<Scalar>& out);

}  // namespace swipegym
