#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "nn/activation.h"
#include "nn/causal_attention.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"

namespace swipegym {

/// Where a block normalises.
///   kPublished  Kang & McAuley 2018: with q = LN(x), queries come from q, keys and values from x; y = Attention + q;
///               out = FFN(LN(y)) + LN(y). No output projection. A last LayerNorm.
///   kPre        y = x + Dropout(Attention(LN(x)) W); out = y + FFN(LN(y)). A last LayerNorm.
///   kPost       y = LN(x + Dropout(Attention(x) W)); out = LN(y + FFN(y)), as BERT; none at the end.
/// FFN(z) = Dropout(Dropout(f(z W1 + b1)) W2 + b2); kPost drops only at its end.
enum class NormOrder { kPublished, kPre, kPost };
/// "published", "pre" or "post"; InputError that lists them otherwise.
NormOrder parse_norm_order(std::string_view name);

struct TransformerShape {
  std::size_t width = 64, blocks = 2, heads = 1, inner = 64;  // heads divides width; inner: hidden units of the FFN
  NormOrder norm = NormOrder::kPre;
  Activation activation = Activation::kRelu;
  double norm_epsilon = 1e-8;
};

/// What is dropped in training, and by which numbers: row r of a batch draws the same whatever shard it lies in.
struct TransformerDropout {
  double rate = 0.0, attention_rate = 0.0;  // of activations; of attention weights
  RandomKey key{};
  std::size_t first_row = 0;
};

template <class Scalar>
struct TransformerBlockOf {
  LayerNormOf<Scalar> attention_norm, ffn_norm;
  LinearOf<Scalar> query, key_value, projection;  // [d, d], [d, 2 d], [d, d] (unused by kPublished)
  LinearOf<Scalar> inner, outer;                  // [d, inner], [inner, d]
};

/// What a pass keeps for its way back; one a thread. Allocates only when shapes grow.
template <class Scalar>
struct TransformerWorkOf {
  struct Block {
    MatrixOf<Scalar> input, normal, query, key_value, attended, middle, middle_normal, before, hidden, output;
    MatrixOf<Scalar> projected_mask, hidden_mask, output_mask;
    LayerNormWorkOf<Scalar> attention_norm, ffn_norm;
    AttentionWorkOf<Scalar> attention;
  };
  std::vector<Block> blocks;
  LayerNormWorkOf<Scalar> last_norm;
  MatrixOf<Scalar> output;                                                                    // [rows, d]
  MatrixOf<Scalar> gradient, d_middle, d_attended, d_query, d_key_value, d_hidden, d_branch;  // on the way back
};

/// Blocks of causal self-attention and position-wise layers over packed sequences.
template <class Scalar>
class TransformerOf {
 public:
  using Work = TransformerWorkOf<Scalar>;
  TransformerOf() = default;
  TransformerOf(const TransformerShape& shape, RandomKey key);

  /// `input` [rows, d] is left alone; the result lies in work.output. Callable from many threads with a work each.
  void forward(const MatrixOf<Scalar>& input, SequenceOffsets offset, const TransformerDropout& dropout,
               Work& work) const;
  /// After forward() with the same arguments: adds to the gradients of `shard`, writes dL/d input.
  void backward(SequenceOffsets offset, const TransformerDropout& dropout, const MatrixOf<Scalar>& d_output, Work& work,
                MatrixOf<Scalar>& d_input, std::size_t shard = 0);

  void set_shards(std::size_t count);
  void collect(std::vector<ParameterOf<Scalar>*>& parameters);
  const TransformerShape& shape() const noexcept { return shape_; }

  std::vector<TransformerBlockOf<Scalar>> blocks;
  LayerNormOf<Scalar> last_norm;

 private:
  using Block = typename Work::Block;
  void forward_block(const TransformerBlockOf<Scalar>& block, SequenceOffsets offset, const TransformerDropout& dropout,
                     std::size_t index, Block& work) const;
  void backward_block(TransformerBlockOf<Scalar>& block, SequenceOffsets offset, const TransformerDropout& dropout,
                      std::size_t index, Block& b, Work& work, std::size_t shard);
  AttentionDropout attention_dropout(const TransformerDropout& dropout, std::size_t index) const;

  TransformerShape shape_;
};
using Transformer = TransformerOf<float>;
using TransformerWork = TransformerWorkOf<float>;

void save(Hdf5Writer& file, const std::string& name, const Transformer& transformer, bool moments);
void load(const Hdf5Reader& file, const std::string& name, Transformer& transformer);

}  // namespace swipegym
