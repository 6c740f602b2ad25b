#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/range.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "policy/multitask/heads.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

struct MultitaskNetworkConfig {
  std::string kind = "mmoe";                            // or shared_bottom: one expert that all heads read, no gates
  std::size_t experts = 4;                              // of mmoe
  std::vector<std::size_t> state_hidden = {64};         // hidden layers below the state's share of the first layer
  std::vector<std::size_t> item_hidden = {32};          // and below the video's
  std::size_t width = 16;                               // of the product of a state's and a video's vector; 0: none
  std::vector<std::size_t> expert = {32, 16};           // layers of an expert; the first is the one that adds shares
  std::vector<std::size_t> tower = {16};                // hidden layers of a head's tower
  std::size_t watch_bins = 16;                          // of the watch ratio's distribution
  std::size_t tag_dim = 8, author_dim = 4, id_dim = 8;  // of the video's vectors; 0: none
  bool creator_id = true;  // false: nothing that is made from a video's author reaches the network
};

template <class Visitor>
void visit_fields(Visitor& visit, MultitaskNetworkConfig& config) {
  visit("kind", config.kind, one_of({"mmoe", "shared_bottom"}));
  visit("experts", config.experts, between(1, 64));
  visit("state_hidden", config.state_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("item_hidden", config.item_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("width", config.width, between(0, 1'024));
  visit("expert", config.expert, between(1, 1'024), ranges::kLayers);
  visit("tower", config.tower, between(1, 1'024), ranges::kLayersOrNone);
  visit("watch_bins", config.watch_bins, between(2, 256));
  visit("tag_dim", config.tag_dim, between(0, 1'024));
  visit("author_dim", config.author_dim, between(0, 1'024));
  visit("id_dim", config.id_dim, between(0, 1'024));
  visit("creator_id", config.creator_id);
}

/// Sizes of what a network reads and says.
struct MultitaskShape {
  std::size_t state = 0;                       // numbers of a state
  std::size_t item = 0;                        // numbers of a video, in front of its embeddings
  std::size_t cross = 0;                       // numbers of a pair
  std::size_t tags = 0, authors = 0, ids = 0;  // rows of the tables
  std::vector<std::size_t> outputs;            // [heads] of each head's tower
};

/// Linear layers with SiLU between them, and behind the last one too where asked. Products are those whose rows do not
/// depend on each other (nn/matrix_product.h): no result changes with the number of rows.
template <class Scalar>
struct LayerStackOf {
  struct Work {
    std::vector<MatrixOf<Scalar>> before, after;
    MatrixOf<Scalar> gradient, next;
    const MatrixOf<Scalar>& output() const noexcept { return after.back(); }
  };

  LayerStackOf() = default;
  LayerStackOf(const std::vector<std::size_t>& sizes, bool ends_active, RandomKey key);

  void forward(const MatrixOf<Scalar>& input, Work& work) const;
  /// After forward(); d_input may be null.
  void backward(const MatrixOf<Scalar>& input, const MatrixOf<Scalar>& d_output, Work& work, MatrixOf<Scalar>* d_input,
                std::size_t shard);
  void collect(std::vector<ParameterOf<Scalar>*>& parameters);

  std::vector<LinearOf<Scalar>> layers;  // none: the output is the input
  bool ends_active = false;
};

/// Several answers to one pair by a shared bottom or a multi-gate mixture of experts (MMoE: Ma et al., KDD 2018):
///   y_k = t_k(sum_e softmax(G_k x)_e E_e(x))
/// with towers t_k, experts E_e and one linear gate a head. x is a state, a video and their cross features. Experts and
/// gates begin with one additive layer, a(state) + b(video) + W [f(state) . g(video), cross], where a, f and b, g are
/// the outputs of two small networks. So a state's share is computed once a request and a video's once a model; what a
/// pair costs is the product, the experts behind that layer and the towers. The elementwise product of f and g lets
/// tastes and videos meet before the first nonlinearity.
///
/// A shared bottom is the mixture of one expert.
template <class Scalar>
class MultitaskNetworkOf {
 public:
  using Mat = MatrixOf<Scalar>;
  /// What is drawn in training; nothing by default.
  struct Noise {
    Scalar dropout = 0;         // of the units of the first layer
    Scalar expert_dropout = 0;  // of the experts a head's gate may choose, the others sharing what is left
    RandomKey key{};
    std::size_t first_row = 0;  // of the batch, for the draws
  };
  /// Room for one pass of one thread.
  struct Work {
    Mat states;                                     // [rows, state]: input
    Mat numbers;                                    // [videos, item]: input
    std::vector<std::int32_t> tag, author, id;      // [videos] rows of the tables, -1: unknown
    std::vector<std::uint32_t> state_of, video_of;  // [pairs] row of `states`, row of `numbers` (or of a table)
    Mat cross;                                      // [pairs, cross]: input

    typename LayerStackOf<Scalar>::Work state, item;
    Mat items, d_items;                                       // the video network's input and its gradient
    Mat met, d_met;                                           // [pairs, width + cross]: product and cross features
    Mat first, d_first;                                       // [pairs, first]
    std::vector<Mat> hidden, active, mask, d_active;          // [experts] first layer before and after its SiLU
    std::vector<typename LayerStackOf<Scalar>::Work> expert;  // [experts]
    std::vector<Mat> gate, d_gate, mixed, d_mixed, d_expert;  // [heads] or [experts]
    std::vector<typename LayerStackOf<Scalar>::Work> tower;   // [heads]
    std::vector<Mat> d_output;                                // [heads]: filled before backward()
    Mat d_state, d_item;
    std::vector<std::uint8_t> wanted;  // [heads] that forward_pairs() goes through; empty: all, as backward() needs

    bool wants(std::size_t head) const noexcept { return wanted.empty() || wanted[head] != 0; }
    /// [pairs, outputs of the head], logits.
    const Mat& output(std::size_t head) const noexcept { return tower[head].output(); }
  };

  MultitaskNetworkOf() = default;
  MultitaskNetworkOf(const MultitaskNetworkConfig& config, const MultitaskShape& shape, RandomKey key);

  std::size_t heads() const noexcept { return shape_.outputs.size(); }
  std::size_t experts() const noexcept { return experts_.size(); }
  const MultitaskShape& shape() const noexcept { return shape_; }
  /// Numbers a state's and a video's share have.
  std::size_t share_size() const noexcept { return first_size() + config_.width; }
  /// Numbers of the last layer before a head's output, which is linear in them.
  std::size_t feature_size() const noexcept {
    return config_.tower.empty() ? config_.expert.back() : config_.tower.back();
  }

  void forward_states(Work& work) const;  // work.state.output(): [rows, share_size()]
  void forward_items(Work& work) const;   // work.item.output(): [videos, share_size()]
  /// After forward_states(); `items` is work.item.output() or a table of such rows.
  void forward_pairs(const Mat& items, const Noise& noise, Work& work) const;
  /// After forward_pairs(): the last layer before a head's output, [pairs, feature_size()].
  const Mat& features(std::size_t head, const Work& work) const noexcept;
  /// After all three forwards, without a table: adds the gradients of sum d_output . output to `shard` and leaves those
  /// of the embeddings for scatter().
  void backward(Work& work, std::size_t shard);
  void scatter(const Work& work);

  void set_shards(std::size_t count);
  std::vector<ParameterOf<Scalar>*> parameters();
  std::vector<EmbeddingOf<Scalar>*> embeddings();
  /// The layers that read inputs. Their first rows are the inputs' weights, those of `meet` the rows from width on.
  struct InputLayers {
    LinearOf<Scalar>& state;
    LinearOf<Scalar>& item;
    ParameterOf<Scalar>& meet;
    std::size_t cross_row;  // of `meet`, the first cross feature's
  };
  InputLayers input_layers() { return {state_.layers.front(), item_.layers.front(), meet_, config_.width}; }

 private:
  std::size_t first_size() const noexcept;
  void gate(const Noise& noise, std::size_t head, Work& work) const;

  MultitaskNetworkConfig config_;
  MultitaskShape shape_;
  LayerStackOf<Scalar> state_, item_;
  ParameterOf<Scalar> meet_;                   // [width + cross, first]
  std::vector<LayerStackOf<Scalar>> experts_;  // behind the first layer; may have no layer
  std::vector<LayerStackOf<Scalar>> towers_;   // [heads]
  EmbeddingOf<Scalar> tag_, author_, id_;
};
using MultitaskNetwork = MultitaskNetworkOf<float>;

void save(Hdf5Writer& file, const std::string& name, MultitaskNetwork& network);
void load(const Hdf5Reader& file, const std::string& name, MultitaskNetwork& network);

}  // namespace swipegym
