#include "nn/transformer.h"

#include <fmt/format.h>

#include <array>
#include <cassert>

#include "core/error.h"
#include "nn/dropout.h"

namespace swipegym {
namespace {

constexpr std::array<std::string_view, 3> kNormOrders = {"published", "pre", "post"};

// The places of a block where something is dropped; a key each.
enum DropSite : std::size_t { kDropAttention, kDropProjected, kDropHidden, kDropOutput, kDropSites };

RandomKey site_key(const TransformerDropout& dropout, std::size_t block, DropSite site) {
  return split(dropout.key, block * kDropSites + site);
}

template <class Scalar>
void drop(const TransformerDropout& dropout, std::size_t block, DropSite site, MatrixOf<Scalar>& mask,
          MatrixOf<Scalar>& values) {
  if (dropout.rate > 0.0)
    swipegym::dropout(static_cast<Scalar>(dropout.rate), site_key(dropout, block, site), dropout.first_row, mask,
                      values);
  else
    mask.resize(0, 0);
}

template <class Scalar>
void drop_backward(const MatrixOf<Scalar>& mask, MatrixOf<Scalar>& gradient) {
  if (mask.size() > 0) dropout_backward(mask, gradient);
}

}  // namespace

NormOrder parse_norm_order(std::string_view name) {
  for (std::size_t i = 0; i < kNormOrders.size(); ++i)
    if (kNormOrders[i] == name) return static_cast<NormOrder>(i);
  throw InputError(
      fmt::format("unknown order of normalisation '{}', expected one of {}", name, fmt::join(kNormOrders, ", ")));
}

template <class Scalar>
TransformerOf<Scalar>::TransformerOf(const TransformerShape& shape, RandomKey key)
    : blocks(shape.blocks), last_norm(shape.width, shape.norm_epsilon), shape_(shape) {
  assert(shape.heads > 0 && shape.width % shape.heads == 0);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    TransformerBlockOf<Scalar>& block = blocks[i];
    const RandomKey own = split(key, i);
    const std::size_t d = shape.width;
    block.attention_norm = LayerNormOf<Scalar>(d, shape.norm_epsilon);
    block.ffn_norm = LayerNormOf<Scalar>(d, shape.norm_epsilon);
    block.query = LinearOf<Scalar>(d, d, split(own, 0));
    block.key_value = LinearOf<Scalar>(d, 2 * d, split(own, 1));
    block.projection = LinearOf<Scalar>(d, d, split(own, 2));
    block.inner = LinearOf<Scalar>(d, shape.inner, split(own, 3));
    block.outer = LinearOf<Scalar>(shape.inner, d, split(own, 4));
  }
}

template <class Scalar>
AttentionDropout TransformerOf<Scalar>::attention_dropout(const TransformerDropout& dropout, std::size_t index) const {
  return {
      .rate = dropout.attention_rate, .key = site_key(dropout, index, kDropAttention), .first_row = dropout.first_row};
}

template <class Scalar>
void TransformerOf<Scalar>::forward(const MatrixOf<Scalar>& input, SequenceOffsets offset,
                                    const TransformerDropout& dropout, Work& work) const {
  work.blocks.resize(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    work.blocks[i].input = i == 0 ? input : work.blocks[i - 1].output;
    forward_block(blocks[i], offset, dropout, i, work.blocks[i]);
  }
  const MatrixOf<Scalar>& last = blocks.empty() ? input : work.blocks.back().output;
  if (shape_.norm == NormOrder::kPost)
    work.output = last;
  else
    last_norm.forward(last, work.last_norm, work.output);
}

template <class Scalar>
void TransformerOf<Scalar>::forward_block(const TransformerBlockOf<Scalar>& block, SequenceOffsets offset,
                                          const TransformerDropout& dropout, std::size_t index, Block& b) const {
  const bool post = shape_.norm == NormOrder::kPost, published = shape_.norm == NormOrder::kPublished;
  if (!post) block.attention_norm.forward(b.input, b.attention_norm, b.normal);
  apply(block.query, post ? b.input : b.normal, b.query);
  apply(block.key_value, post || published ? b.input : b.normal, b.key_value);
  causal_attention(b.query, b.key_value, offset, shape_.heads, attention_dropout(dropout, index), b.attention,
                   b.attended);
  if (published) {
    b.middle = b.attended + b.normal;
  } else {
    apply(block.projection, b.attended, b.middle);
    drop(dropout, index, kDropProjected, b.projected_mask, b.middle);
    b.middle += b.input;
  }
  // For kPost the sum is normalised before the FFN as well, and is what the FFN's result is added to.
  block.ffn_norm.forward(b.middle, b.ffn_norm, b.middle_normal);
  apply(block.inner, b.middle_normal, b.before);
  activate(shape_.activation, b.before, b.hidden);
  if (!post) drop(dropout, index, kDropHidden, b.hidden_mask, b.hidden);
  apply(block.outer, b.hidden, b.output);
  drop(dropout, index, kDropOutput, b.output_mask, b.output);
  b.output += shape_.norm == NormOrder::kPre ? b.middle : b.middle_normal;
  if (post) {  // LN(y + FFN(y)); attention_norm holds the block's last normalisation
    b.normal = b.output;
    block.attention_norm.forward(b.normal, b.attention_norm, b.output);
  }
}

template <class Scalar>
void TransformerOf<Scalar>::backward(SequenceOffsets offset, const TransformerDropout& dropout,
                                     const MatrixOf<Scalar>& d_output, Work& work, MatrixOf<Scalar>& d_input,
                                     std::size_t shard) {
  if (shape_.norm == NormOrder::kPost || blocks.empty())
    work.gradient = d_output;
  else
    last_norm.backward(work.blocks.back().output, work.last_norm, d_output, work.gradient, false, shard);
  for (std::size_t i = blocks.size(); i-- > 0;)
    backward_block(blocks[i], offset, dropout, i, work.blocks[i], work, shard);
  d_input.swap(work.gradient);
}

template <class Scalar>
void TransformerOf<Scalar>::backward_block(TransformerBlockOf<Scalar>& block, SequenceOffsets offset,
                                           const TransformerDropout& dropout, std::size_t index, Block& b, Work& work,
                                           std::size_t shard) {
  const bool post = shape_.norm == NormOrder::kPost, published = shape_.norm == NormOrder::kPublished;
  if (post) block.attention_norm.backward(b.normal, b.attention_norm, work.gradient, work.gradient, false, shard);

  // FFN: work.gradient is dL/d (what was added + FFN), and becomes dL/d middle.
  work.d_branch = work.gradient;
  drop_backward(b.output_mask, work.d_branch);
  apply_backward(block.outer, b.hidden, work.d_branch, &work.d_hidden, false, shard);
  if (!post) drop_backward(b.hidden_mask, work.d_hidden);
  activate_backward(shape_.activation, b.before, work.d_hidden);
  if (shape_.norm == NormOrder::kPre) {
    apply_backward(block.inner, b.middle_normal, work.d_hidden, &work.d_branch, false, shard);
    block.ffn_norm.backward(b.middle, b.ffn_norm, work.d_branch, work.gradient, true, shard);
  } else {
    apply_backward(block.inner, b.middle_normal, work.d_hidden, &work.gradient, true, shard);
    block.ffn_norm.backward(b.middle, b.ffn_norm, work.gradient, work.gradient, false, shard);
  }

  // Attention: work.gradient is dL/d middle.
  const MatrixOf<Scalar>* d_attended = &work.gradient;
  if (!published) {
    work.d_branch = work.gradient;
    drop_backward(b.projected_mask, work.d_branch);
    apply_backward(block.projection, b.attended, work.d_branch, &work.d_attended, false, shard);
    d_attended = &work.d_attended;
  }
  causal_attention_backward(b.query, b.key_value, offset, shape_.heads, attention_dropout(dropout, index), b.attention,
                            *d_attended, work.d_query, work.d_key_value);
  if (post) {
    apply_backward(block.query, b.input, work.d_query, &work.gradient, true, shard);
    apply_backward(block.key_value, b.input, work.d_key_value, &work.gradient, true, shard);
  } else if (published) {  // the residual adds LN(x); keys and values come from x
    apply_backward(block.query, b.normal, work.d_query, &work.gradient, true, shard);
    block.attention_norm.backward(b.input, b.attention_norm, work.gradient, work.gradient, false, shard);
    apply_backward(block.key_value, b.input, work.d_key_value, &work.gradient, true, shard);
  } else {
    apply_backward(block.query, b.normal, work.d_query, &work.d_branch, false, shard);
    apply_backward(block.key_value, b.normal, work.d_key_value, &work.d_branch, true, shard);
    block.attention_norm.backward(b.input, b.attention_norm, work.d_branch, work.gradient, true, shard);
  }
}

template <class Scalar>
void TransformerOf<Scalar>::set_shards(std::size_t count) {
  for (TransformerBlockOf<Scalar>& block : blocks) {
    block.attention_norm.set_shards(count), block.ffn_norm.set_shards(count);
    block.query.set_shards(count), block.key_value.set_shards(count), block.projection.set_shards(count);
    block.inner.set_shards(count), block.outer.set_shards(count);
  }
  last_norm.set_shards(count);
}

template <class Scalar>
void TransformerOf<Scalar>::collect(std::vector<ParameterOf<Scalar>*>& parameters) {
  for (TransformerBlockOf<Scalar>& block : blocks) {
    block.attention_norm.collect(parameters), block.ffn_norm.collect(parameters);
    for (LinearOf<Scalar>* layer : {&block.query, &block.key_value, &block.projection, &block.inner, &block.outer}) {
      if (layer == &block.projection && shape_.norm == NormOrder::kPublished) continue;
      parameters.push_back(&layer->weight), parameters.push_back(&layer->bias);
    }
  }
  if (shape_.norm != NormOrder::kPost) last_norm.collect(parameters);
}

template class TransformerOf<float>;
template class TransformerOf<double>;

}  // namespace swipegym
